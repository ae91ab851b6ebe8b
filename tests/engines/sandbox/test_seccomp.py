import errno
import struct

import pytest

from engines.sandbox.seccomp import UnknownMachine, system_call_filter

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_EPERM = 0x00050000 | errno.EPERM
_ENOSYS = 0x00050000 | errno.ENOSYS
_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_READ = {"x86_64": 0, "aarch64": 63}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
_CLONE = {"x86_64": 56, "aarch64": 220}
_FCHMOD = {"x86_64": 91, "aarch64": 52}
_IOCTL = {"x86_64": 16, "aarch64": 29}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_THREAD_FLAGS = 0x3D0F00
_SIGCHLD = 17

machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Run classic BPF as the kernel does, on the struct seccomp_data of one call."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", number, arch, 0, *padded)
    instructions = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = instructions[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x06:
            return value
        else:
            tests = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }
            at += if_true if tests[code] else if_false


@machines
def test_ordinary_calls_pass(machine: str) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    for number in (_READ[machine], _SOCKETPAIR[machine]):
        assert verdict(program, _ARCH[machine], number) == _ALLOW


@machines
def test_a_socket_is_refused(machine: str) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, _ARCH[machine], _SOCKET[machine]) == _EPERM


@machines
def test_another_architecture_is_killed(machine: str) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, 0x40000003, _READ[machine]) == _KILL


def test_the_x32_interface_is_killed() -> None:
    program = system_call_filter(same_owner=False, machine="x86_64")
    assert verdict(program, _ARCH["x86_64"], 0x40000000) == _KILL


@machines
@pytest.mark.parametrize("flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 1 << 30])
def test_a_clone_into_a_namespace_is_refused(machine: str, flag: int) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, _ARCH[machine], _CLONE[machine], flag | _SIGCHLD) == _EPERM


@machines
@pytest.mark.parametrize("flags", [_SIGCHLD, _THREAD_FLAGS])
def test_forks_and_threads_pass(machine: str, flags: int) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, _ARCH[machine], _CLONE[machine], flags) == _ALLOW


@machines
def test_clone3_is_said_to_be_missing(machine: str) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, _ARCH[machine], 435) == _ENOSYS


@machines
@pytest.mark.parametrize(("request_code", "expected"), [(0x5412, _EPERM), (0x5401, _ALLOW)])
def test_typing_into_a_terminal_is_refused(machine: str, request_code: int, expected: int) -> None:
    program = system_call_filter(same_owner=False, machine=machine)
    assert verdict(program, _ARCH[machine], _IOCTL[machine], 0, request_code) == expected


@machines
@pytest.mark.parametrize(("same_owner", "expected"), [(True, _EPERM), (False, _ALLOW)])
def test_modes_may_be_changed_only_by_an_owner_of_its_own(
    machine: str, *, same_owner: bool, expected: int
) -> None:
    program = system_call_filter(same_owner=same_owner, machine=machine)
    assert verdict(program, _ARCH[machine], _FCHMOD[machine]) == expected


@machines
@pytest.mark.parametrize(("pid", "expected"), [(0, _ALLOW), (1234, _EPERM)])
def test_a_shared_owner_may_limit_only_itself(machine: str, pid: int, expected: int) -> None:
    program = system_call_filter(same_owner=True, machine=machine)
    assert verdict(program, _ARCH[machine], _PRLIMIT[machine], pid) == expected


def test_an_unknown_processor_is_refused_by_name() -> None:
    with pytest.raises(UnknownMachine, match="s390x"):
        system_call_filter(same_owner=False, machine="s390x")
