package origin

import (
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/store"
)

// offset is a place in a shape's log, written tx_op. A position is that of a
// refresh: after it, clients are at position_0. The changes of the next one follow
// as position_1, position_2 … So a position that a stream of events tells, as
// global_last_seen_lsn, is an offset once _0 is appended, which clients do. Within
// the snapshot tx is 0 and op the number of rows so far.
type offset struct{ tx, op int64 }

// beginning stands for -1, the offset of those who have nothing.
var beginning = offset{-1, 0}

func (at offset) String() string {
	if at == beginning {
		return "-1"
	}
	return strconv.FormatInt(at.tx, 10) + "_" + strconv.FormatInt(at.op, 10)
}

// parseOffset reads -1 or tx_op. "now" is read by who knows what that is.
func parseOffset(text string) (offset, error) {
	if text == "-1" {
		return beginning, nil
	}
	tx, op, ok := strings.Cut(text, "_")
	at := offset{}
	var errs [2]error
	at.tx, errs[0] = strconv.ParseInt(tx, 10, 64)
	at.op, errs[1] = strconv.ParseInt(op, 10, 64)
	if !ok || errs[0] != nil || errs[1] != nil || at.tx < 0 || at.op < 0 || at.String() != text {
		return offset{}, failure(store.InvalidArgument, "read the offset", "")
	}
	return at, nil
}
