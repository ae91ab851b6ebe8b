"""Modules that hang, crash, fork, flood or delete: their other functions still get tests."""

import pytest

from engines.testing.types import CannotTest
from tests.engines.testing.conftest import Write

OK = "\n\ndef twice(x: int) -> int:\n    return x * 2 if x > 3 else -x\n"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(
            "import os, signal\ndef f(x: int):\n    os.kill(os.getppid(), signal.SIGKILL)",
            id="kills its parent",
        ),
        pytest.param("import ctypes\ndef f(x: int):\n    ctypes.string_at(0)", id="crashes"),
        pytest.param("import os\ndef f(x: int):\n    os._exit(3)", id="exits at once"),
        pytest.param(
            "import os\ndef f(x: int):\n    return 7 if os.fork() == 0 else x", id="forks"
        ),
        pytest.param(
            "import os\ndef f(x: int):\n    for fd in range(3, 30):\n        try:\n"
            "            os.write(fd, b'[1]\\n' * 99)\n        except OSError:\n            pass\n"
            "    return x",
            id="writes to every descriptor",
        ),
        pytest.param("def f(x: int):\n    return len(bytearray(10 << 30))", id="wants 10 GB"),
        pytest.param("def f(x: int):\n    while True:\n        pass", id="never ends"),
        pytest.param(
            "import os, shutil\ndef f(x: int):\n"
            "    shutil.rmtree(os.path.dirname(__file__), ignore_errors=True)\n    return x",
            id="deletes its folder",
        ),
        pytest.param(
            "class Odd:\n    def __getattr__(self, name):\n        raise ValueError(name)\n"
            "odd = Odd()\n\nclass Holder:\n    odd = odd",
            id="answers nothing",
        ),
    ],
)
def test_the_other_functions_still_get_tests(write: Write, hostile: str) -> None:
    result = write(hostile + OK, cpu_s=10.0)
    assert "twice(" in result.source
    assert result.passed == result.tests >= 1


def test_a_module_that_kills_whoever_imports_it_is_refused_with_the_reason(write: Write) -> None:
    with pytest.raises(CannotTest, match="ended the process"):
        write("import os\nos.kill(os.getpid(), 9)" + OK)
