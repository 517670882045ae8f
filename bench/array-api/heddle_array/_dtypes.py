"""The element types, with the names of the standard; there are no complex ones."""


class DType:
    def __init__(self, name, short, kind, bits):
        self.name, self.short, self.kind, self.bits = name, short, kind, bits

    def __eq__(self, other):
        return isinstance(other, DType) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"heddle_array.{self.name}"


int8, int16, int32, int64 = (DType(f"int{n}", f"i{n}", "signed", n) for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DType(f"uint{n}", f"u{n}", "unsigned", n) for n in (8, 16, 32, 64))
float32, float64 = (DType(f"float{n}", f"f{n}", "floating", n) for n in (32, 64))
bool = DType("bool", "bool", "bool", 8)

all_dtypes = (bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64)
by_short = {dtype.short: dtype for dtype in all_dtypes}


def integral(dtype):
    return dtype.kind in ("signed", "unsigned")
