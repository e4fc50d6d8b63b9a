package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
)

// AppendAsks appends the payload of Ask, questions to the host by function:
// [[number, [value …]] …].
func AppendAsks(dst []byte, asks []*query.Ask) []byte {
	groups := byFunction(asks)
	dst = msgp.AppendArrayHeader(dst, uint32(len(groups)))
	for _, group := range groups {
		dst = msgp.AppendArrayHeader(dst, 2)
		dst = msgp.AppendInt(dst, group[0].Function)
		dst = msgp.AppendArrayHeader(dst, uint32(len(group)))
		for _, ask := range group {
			dst = append(dst, ask.Value...)
		}
	}
	return dst
}

// AsksBytes is about what questions take as a payload.
func AsksBytes(asks []*query.Ask) int {
	n := 64 + 8*len(asks)
	for _, ask := range asks {
		n += len(ask.Value)
	}
	return n
}

// ReadAnswers reads the reply to Ask, [[answer …] …] in the order of the questions,
// and enters the answers. They are copies.
func ReadAnswers(frame []byte, asks []*query.Ask) error {
	r, err := reply(frame)
	if err != nil {
		return err
	}
	groups := byFunction(asks)
	r.tuple(len(groups))
	for _, group := range groups {
		r.tuple(len(group))
		for _, ask := range group {
			ask.Answer = append([]byte{}, r.raw()...)
		}
	}
	return r.end()
}

// byFunction sorts questions, in the order in which their functions come.
func byFunction(asks []*query.Ask) (groups [][]*query.Ask) {
	for _, ask := range asks {
		i := 0
		for i < len(groups) && groups[i][0].Function != ask.Function {
			i++
		}
		if i == len(groups) {
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], ask)
	}
	return groups
}
