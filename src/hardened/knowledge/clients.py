"""Libraries that connect to other services."""

from __future__ import annotations

REQUESTS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
"""Methods of HTTP libraries that send a request."""

CLIENTS: dict[str, set[str]] = {
    "redis": {"Redis", "StrictRedis", "RedisCluster", "Sentinel", "ConnectionPool", "BlockingConnectionPool"},
    "valkey": {"Valkey", "StrictValkey", "ValkeyCluster", "Sentinel", "ConnectionPool", "BlockingConnectionPool"},
    "aioredis": {"Redis", "StrictRedis", "ConnectionPool"},
    "httpx": {"Client", "AsyncClient"},
    "httpx2": {"Client", "AsyncClient"},
    "requests": {"Session", "session"},
    "aiohttp": {"ClientSession"},
    "urllib3": {"PoolManager", "HTTPConnectionPool", "HTTPSConnectionPool"},
    "elasticsearch": {"Elasticsearch", "AsyncElasticsearch"},
    "opensearchpy": {"OpenSearch", "AsyncOpenSearch"},
    "boto3": {"client", "resource"},
    "aioboto3": {"client", "resource"},
    "aiobotocore": {"create_client"},
    "pymongo": {"MongoClient", "AsyncMongoClient"},
    "motor": {"AsyncIOMotorClient"},
    "openai": {"OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"},
    "anthropic": {"Anthropic", "AsyncAnthropic"},
    "qdrant_client": {"QdrantClient", "AsyncQdrantClient"},
    "weaviate": {"Client", "WeaviateClient", "connect_to_custom", "connect_to_local", "connect_to_weaviate_cloud"},
    "chromadb": {"HttpClient", "AsyncHttpClient"},
    "neo4j": {"driver"},
    "minio": {"Minio"},
    "kafka": {"KafkaProducer", "KafkaConsumer", "KafkaAdminClient"},
    "aiokafka": {"AIOKafkaProducer", "AIOKafkaConsumer"},
    "confluent_kafka": {"Producer", "Consumer"},
    "pika": {"BlockingConnection"},
    "aio_pika": {"connect", "connect_robust"},
    "nats": {"connect"},
    "pymemcache": {"Client", "PooledClient", "HashClient"},
    "aiomcache": {"Client"},
    "grpc": {"insecure_channel", "secure_channel"},
    "zep_python": {"ZepClient", "AsyncZep", "Zep"},
    "zep_cloud": {"AsyncZep", "Zep"},
}
"""Makers of clients and pools, by package: each has connections of its own."""

SHARED = ("connection_pool", "transport", "connector", "http_client", "httpx_client")
"""With one of these, made elsewhere, a client has no connections of its own."""

HTTP: dict[str, set[str]] = {
    "httpx": {"Client", "AsyncClient", "stream"} | REQUESTS,
    "httpx2": {"Client", "AsyncClient", "stream"} | REQUESTS,
    "requests": {"Session", "session"} | REQUESTS,
    "aiohttp": {"ClientSession", "request"},
    "urllib": {"urlopen"},
    "urllib3": {"PoolManager", "HTTPConnectionPool", "HTTPSConnectionPool", "request"},
    "http": {"HTTPConnection", "HTTPSConnection"},
}
"""Requests over HTTP, and makers of clients for them."""

CONNECTS: dict[str, set[str]] = {
    "psycopg": {"connect"},
    "psycopg2": {"connect"},
    "psycopg_pool": {"ConnectionPool"},
    "asyncpg": {"connect", "create_pool"},
    "pymysql": {"connect"},
    "MySQLdb": {"connect"},
    "oracledb": {"connect"},
    "pyodbc": {"connect"},
    "pymssql": {"connect"},
    "pika": {"BlockingConnection"},
    "aio_pika": {"connect", "connect_robust"},
    "nats": {"connect"},
    "kafka": {"KafkaProducer", "KafkaConsumer", "KafkaAdminClient"},
    "weaviate": {"connect_to_custom", "connect_to_local", "connect_to_weaviate_cloud"},
    "httpx": REQUESTS | {"stream"},
    "httpx2": REQUESTS | {"stream"},
    "requests": REQUESTS,
    "urllib": {"urlopen", "urlretrieve"},
    "socket": {"create_connection"},
    "smtplib": {"SMTP", "SMTP_SSL", "LMTP"},
    "ftplib": {"FTP", "FTP_TLS"},
    "imaplib": {"IMAP4", "IMAP4_SSL"},
    "poplib": {"POP3", "POP3_SSL"},
    "paramiko": {"connect"},
}
"""Calls that connect at once, by package."""

IN_C = {"psycopg", "psycopg2", "psycopg_pool", "MySQLdb", "oracledb", "pyodbc", "pymssql"}
"""Packages that connect in C, past Python's sockets: they are seen in source alone."""

ON_REDIS = {"ping", "get", "set", "info", "publish", "exists", "execute_command", "hget", "hset", "delete", "flushdb"}
"""Methods of a client of Redis that connect: any of them may be the first."""

BROKERS = {"kafka", "aiokafka", "confluent_kafka", "pika", "aio_pika", "nats"}
"""Clients that send in the background."""
