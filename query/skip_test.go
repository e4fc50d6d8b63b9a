package query

import (
	"bytes"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestSkipAgreesWithMsgp(t *testing.T) {
	for _, value := range [][]byte{
		msgp.AppendInt(nil, -5), msgp.AppendInt64(nil, -1<<40), msgp.AppendUint64(nil, 1<<63), msgp.AppendFloat64(nil, 1.5),
		msgp.AppendString(nil, string(make([]byte, 300))), msgp.AppendBytes(nil, make([]byte, 70000)), msgp.AppendNil(nil),
		{0xd4, 0, 0}, {0xd6, 0xff, 1, 2, 3, 4}, {0xc7, 3, 9, 1, 2, 3}, {0x82, 1, 0x92, 2, 3, 0xa1, 'x', 0xc0}, {0xdc, 0, 2, 1, 0x81, 1, 2},
	} {
		padded := append(bytes.Clone(value), 0xc1, 0xc1)
		if n, ok := Skip(padded); !ok || n != len(value) {
			t.Errorf("%x: %d, %v", value[:min(len(value), 9)], n, ok)
		}
		for cut := range min(len(value), 300) {
			if _, ok := Skip(value[:cut]); ok {
				t.Errorf("%x: cut at %d is accepted", value[:min(len(value), 9)], cut)
			}
		}
	}
	if _, ok := Skip([]byte{0xc1}); ok {
		t.Error("0xc1 is accepted")
	}
	deep := bytes.Repeat([]byte{0x91}, 1<<20)
	if n, ok := Skip(append(deep, 1)); !ok || n != 1<<20+1 {
		t.Errorf("deep: %d, %v", n, ok)
	}
}
