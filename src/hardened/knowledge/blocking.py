"""Calls that block the thread they run in."""

from __future__ import annotations

import re

BLOCKING = re.compile(
    r"requests\.(?:get|post|put|patch|delete|head|options|request)"
    r"|requests\.(?:sessions\.)?[sS]ession\(\)\.(?:get|post|put|patch|delete|head|options|request|send)"
    r"|(?:sqlite3|psycopg2|pymysql|MySQLdb|pyodbc|smtplib|ftplib|imaplib|paramiko|ldap3|boto3)"
    r"\.(?:connect|client|resource|SMTP\w*|IMAP4\w*|FTP\w*|\w+\(\)\.(?!.*\bclose$).+)"
    r"|pymongo\.(?:\w+\.)*MongoClient\(\)\..+"
    r"|(?:httpx|httpx2)\.(?:get|post|put|patch|delete|head|options|request|stream)"
    r"|(?:httpx|httpx2)\.Client\(\)\.(?:get|post|put|patch|delete|head|options|request|stream|send)"
    r"|psycopg\.(?:connect|Connection\.connect)|psycopg(?:\.Connection)?\.?(?:connect)?\(\)\.\w+(?:\(\)\.\w+)*"
    r"|(?:redis|valkey)\.(?:Redis|StrictRedis|from_url|Redis\.from_url|RedisCluster)\(\)\.(?!pipeline$|lock$|close$)\w+"
    r"|(?:redis|valkey)\.(?:client\.)?Redis\(\)\.(?!pipeline$|lock$|close$)\w+"
    r"|sqlalchemy\.(?:orm\.)?(?:\w+\.)*(?:Session|Connection)\(\)\.(?:execute|scalars|scalar|get|commit|flush|refresh|query)"
    r"|sqlalchemy\.orm\.(?:\w+\.)?sessionmaker\(\)\(\)\.(?:execute|scalars|scalar|get|commit|flush|refresh|query)"
    r"|sqlalchemy\.create_engine\(\)\.(?:connect|begin)(?:\(\)\.execute)?"
    r"|subprocess\.(?:run|call|check_call|check_output|getoutput|getstatusoutput|Popen)"
    r"|time\.sleep|os\.(?:system|popen|wait|waitpid)|urllib\.request\.(?:urlopen|urlretrieve)|socket\.(?:create_connection|getaddrinfo|gethostbyname)"
    r"|open|io\.open|input|builtins\.(?:open|input)|pathlib\.Path\(\)\.(?:read_text|read_bytes|write_text|write_bytes|open)"
    r"|shutil\.(?:copy\w*|move|rmtree|make_archive)|bcrypt\.(?:hashpw|checkpw|kdf)|hashlib\.(?:pbkdf2_hmac|scrypt)|concurrent\.futures\.wait"
)
"""Names of such calls; the result of a call is written with `()`: "requests.Session().get"."""
