"""The probe: what it finds in a process of its own, and what it survives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ._project import by_line, probe

OLDER = sorted(Path.home().glob(".pyenv/versions/3.9*/bin/python"))


def test_each_cause_is_recorded_once_at_the_line_to_blame(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "handlers.py": "kept = 1\n",
            "a.py": "import json\nfrom .handlers import removed\n",
            "b.py": "from . import a\n",  # a consequence
            "c.py": "x = 1\n\nimport no_such_distribution\n",
            "d.py": "def make():\n    return undefined\n\nvalue = make()\n",
            "loader.py": "class FeatureError(Exception): ...\ndef load():\n    raise FeatureError('exposes none (CL002)')\n",
            "e.py": "from .loader import load\nload()\n",
            "f.py": "def f(:\n",  # IM006 names it
            "g.py": "try:\n    from . import h\nexcept ImportError as error:\n    raise RuntimeError(1) from error\n",
            "h.py": "import gone_from_here\n",
            "sub/__init__.py": "",
            "sub/__main__.py": "raise SystemExit('it ran')\n",
            "old-script.py": "raise RuntimeError('no module has this name')\n",
        },
    )
    found = by_line(answer)
    assert set(found) == {"a.py:2", "c.py:3", "d.py:2", "e.py:2", "h.py:1"}
    assert found["a.py:2"].module == "shop.a"
    assert "cannot import name 'removed'" in found["a.py:2"].message
    assert str(tmp_path) not in found["a.py:2"].message
    assert found["c.py:3"].needs == "no_such_distribution"
    assert found["e.py:2"].code == "CL002"
    assert found["e.py:2"].message.endswith("(raised at src/shop/loader.py:3)")
    assert not answer.problem
    assert not answer.doubts


def test_no_secret_of_the_environment_is_in_the_text_of_an_error(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "settings.py": """
                from pydantic import BaseModel
                class Settings(BaseModel):
                    secret_key: str
                    port: int
                Settings(secret_key="t0p-s3cret", prot=1)
                """,
            "database.py": "raise ValueError('cannot parse postgresql://shop:t0p-s3cret@db:5432/shop')\n",
        },
    )
    texts = [each.message for each in answer.failures]
    assert any("Field required" in each for each in texts)
    assert any("postgresql://...@db:5432/shop" in each for each in texts)
    assert "s3cret" not in " ".join(texts)


def test_modules_that_end_the_process_are_failures_with_a_line(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "a.py": "import sys\nsys.exit(3)\n",
            "b.py": "import os\nos._exit(4)\n",
            "c.py": "import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n",
            "d.py": "import os\nos.execv('/bin/true', ['true'])\n",
            "e.py": "from os import abort\nabort()\n",
            "f.py": "raise KeyboardInterrupt\n",
            "g.py": "class Stop(BaseException): ...\nraise Stop('here')\n",
            "h.py": "raise BaseException from SystemExit()\n",
            "z.py": "import no_such_thing\n",
        },
    )
    found = by_line(answer)
    assert set(found) == {"a.py:2", "b.py:2", "c.py:3", "d.py:2", "e.py:2", "f.py:1", "g.py:2", "h.py:1", "z.py:1"}
    assert "calls sys.exit(3)" in found["a.py:2"].message
    assert "calls os._exit(4)" in found["b.py:2"].message
    assert "calls os.kill(os.getpid(), 9)" in found["c.py:3"].message
    assert not answer.problem


def test_modules_that_spoil_the_process_are_survived(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "a.py": "import os, sys\nos.chdir('/')\nos.close(0); os.close(1); os.close(2)\nsys.stdout = sys.stderr = None\n",
            "b.py": "import builtins, json, io\nbuiltins.open = json.dumps = json.JSONEncoder = io.open = None\n",
            "c.py": """
                import atexit, threading, time
                threading.Thread(target=time.sleep, args=(600,)).start()
                atexit.register(time.sleep, 600)
                """,
            "d.py": "import subprocess\nsubprocess.Popen(['sleep', '600'])\n",
            "e.py": """
                import sys
                class Lazy:
                    def __getattr__(self, name):
                        raise RuntimeError('awake')
                    __class__ = property(lambda self: 1 / 0)
                sys.modules['shop.lazy'] = sys.modules[__name__] = Lazy()
                sys.modules[7] = None
                """,
            "f.py": "import os\nif os.fork() == 0:\n    import shop.never\n",
            "g.py": "import sys\nsys.setrecursionlimit(70)\n",
            "h.py": "class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd\n",
            "i.py": "class Odder(Exception):\n    application = property(lambda self: 1 / 0)\nraise Odder\n",
            "z.py": "import no_such_thing\n",
        },
    )
    assert set(by_line(answer)) == {"h.py:3", "z.py:1"}
    assert answer.doubts == ("shop.i cannot be imported: Odder, which cannot be read: ZeroDivisionError",)
    assert not answer.problem


def test_a_module_that_never_ends_is_a_doubt_with_a_line_and_hides_nothing_else(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "a.py": "import no_such_thing\n",
            "b.py": "import time\ntime.sleep(600)\n",
            "c.py": "from .b import x\n",
            "d.py": "import other_thing\n",
        },
        seconds=6,
        application="shop.c:app",
    )
    assert set(by_line(answer)) == {"a.py:1", "d.py:1"}
    [doubt] = answer.doubts
    reason = re.sub(r"\d+ s", "x s", doubt)
    assert reason == "shop.b was not imported to its end: it has not come to its end after x s, at src/shop/b.py:2"
    assert "src/shop/b.py:2" in answer.missing["application"]


def test_a_process_that_dies_leaves_what_it_had_found(tmp_path: Path) -> None:
    crash = "import ctypes\n\nctypes.string_at(0)\n"
    answer = probe(tmp_path, {"a.py": "import no_such_thing\n", "b.py": crash, "c.py": ""})
    assert set(by_line(answer)) == {"a.py:1"}
    assert answer.problem == (
        "the probe did not come to its end when shop.b is imported, at src/shop/b.py:3: it was killed by SIGSEGV"
    )


def test_a_call_that_nothing_interrupts_is_named_with_its_line(tmp_path: Path) -> None:
    masked = "import signal, time\n\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\ntime.sleep(600)\n"
    answer = probe(tmp_path, {"a.py": masked, "b.py": ""}, seconds=0)
    assert answer.problem == (
        "the probe did not come to its end when shop.a is imported, at src/shop/a.py:4: it took longer than 0 s"
    )


def test_connections_are_refused_under_whatever_name_and_recorded_where_they_are_made(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "a.py": "from socket import create_connection as c\ntry:\n    c(('memory.internal', 7000))\nexcept OSError:\n    pass\n",
            "b.py": "from _socket import socket\n\nsocket().connect(('127.0.0.1', 1))\n",
            "c.py": "import socket\nfrom socket import getaddrinfo\nwhile True:\n    try:\n        getaddrinfo('x.internal', 1)\n        break\n    except Exception:\n        pass\n",
            "d.py": """
                import asyncio
                async def look():
                    await asyncio.open_connection('store.internal', 9000)
                asyncio.run(look())
                """,
            "e.py": """
                import socket
                from concurrent.futures import ThreadPoolExecutor
                with ThreadPoolExecutor(1) as pool:
                    address = pool.submit(socket.getaddrinfo, 'store.internal', 9000).exception()
                """,
            "f.py": """
                import asyncio, socket
                async def look():
                    loop = asyncio.get_running_loop()
                    with socket.socket() as made:
                        made.setblocking(False)
                        await loop.sock_connect(made, ('127.0.0.1', 2))
                asyncio.run(look())
                """,
            "quiet.py": """
                import socket, threading
                socket.getaddrinfo('127.0.0.1', 80)
                statistics = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                statistics.connect(('127.0.0.1', 8125))
                def warm():
                    try:
                        socket.create_connection(('warm.internal', 1), timeout=1)
                    except OSError:
                        pass
                threading.Thread(target=warm, daemon=True).start()
                """,
        },
    )
    found = {(str(each.location).removeprefix("src/shop/"), each.target) for each in answer.attempts}
    assert found == {
        ("a.py:3", "memory.internal:7000"),
        ("b.py:3", "127.0.0.1:1"),
        ("c.py:5", "x.internal:1"),
        ("d.py:4", "store.internal:9000"),
        ("e.py:4", "store.internal:9000"),
        ("f.py:6", "127.0.0.1:2"),
    }
    assert {each.during for each in answer.attempts} == {f"when shop.{name} is imported" for name in "abcdef"}
    assert answer.failures == ()


def test_the_schema_is_made_without_a_network(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "main.py": """
                import socket
                class Application:
                    def openapi(self):
                        socket.getaddrinfo('converter.internal', 80)
                class Middleware:
                    app = Application()
                app = Middleware()
                """,
        },
        application="shop.main:app",
    )
    [attempt] = answer.attempts
    assert str(attempt.location) == "src/shop/main.py:4"
    assert attempt.during == "while the API's schema is made"
    assert not answer.undescribed


def test_an_application_that_comes_along_on_an_error_is_there(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "main.py": """
                class Application:
                    def openapi(self):
                        raise ValueError('two operations of one name')
                class Refused(Exception):
                    application = Application()
                raise RuntimeError from Refused()
                """,
        },
        application="shop.main:app",
    )
    assert answer.failures == ()
    assert answer.missing == {}
    assert answer.undescribed == "the API's schema cannot be made: ValueError: two operations of one name"


def test_objects_that_are_not_there_are_named_and_the_application_s_own_tables_known(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {
            "main.py": "from . import models\n",
            "models.py": """
                class Table:
                    def __init__(self, name): self.name = name
                class MetaData:
                    tables = {'shop.orders': Table('orders')}
                metadata = MetaData()
                """,
            "late.py": "from .models import metadata, Table\nmetadata.tables['late'] = Table('late')\n",
        },
        application="shop.main:app",
        metadata="shop.models:metadata",
        settings="shop.settings:Settings",
    )
    assert answer.missing["application"] == "the application shop.main:app cannot be imported: there is no app"
    assert "No module named 'shop.settings'" in answer.missing["settings"]
    assert answer.failures == ()


def test_a_package_of_that_name_from_elsewhere_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    site.joinpath("sitecustomize.py").write_text(
        f"import sys, types\nshop = sys.modules['shop'] = types.ModuleType('shop')\nshop.__path__ = [{str(site)!r}]\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    answer = probe(tmp_path / "own", {"a.py": "import no_such_thing\n"})
    assert answer.failures == ()
    assert answer.doubts == (f"shop is imported from {site}, not from {(tmp_path / 'own/src/shop').resolve()}",)


def test_nothing_is_written_into_the_project(tmp_path: Path) -> None:
    probe(tmp_path, {"a.py": "print('noise')\n"})
    assert [path for path in tmp_path.rglob("*") if path.suffix != ".py" and path.is_file()] == []


@pytest.mark.skipif(not OLDER, reason="there is no Python 3.9 here")
def test_an_older_python_without_any_library_answers(tmp_path: Path) -> None:
    answer = probe(
        tmp_path,
        {"main.py": "import fastapi\napp = fastapi.FastAPI()\n", "a.py": "match 1:\n    case _: pass\n", "b.py": ""},
        python=str(OLDER[-1]),
        application="shop.main:app",
        metadata="shop.main:app",
    )
    assert answer.python[:2] == (3, 9)
    assert set(by_line(answer)) == {"main.py:1"}
    assert not answer.problem
