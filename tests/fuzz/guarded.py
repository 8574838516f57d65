"""Memory with a guard behind its end: who reads too far ends the process, every time."""

import ctypes
import mmap

PAGE_BYTES = mmap.PAGESIZE
HELD_BYTES_MAX = 2_097_152


class Guarded:
    """
    Memory that ends the process when somebody reads behind its end.

    One zero byte lies between, as behind the end of every `bytes`.
    """

    def __init__(self, size_bytes: int = HELD_BYTES_MAX) -> None:
        whole = size_bytes + PAGE_BYTES
        self._memory = mmap.mmap(-1, whole)
        self._end = whole - PAGE_BYTES - 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        if protect(ctypes.c_void_p(address + whole - PAGE_BYTES), ctypes.c_size_t(PAGE_BYTES), 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def holding(self, content: bytes) -> memoryview:
        """The content, up to the end of the memory."""
        begins = self._end - len(content)
        self._memory[begins : self._end] = content
        return memoryview(self._memory)[begins : self._end]
