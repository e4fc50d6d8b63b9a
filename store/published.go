//go:build !page

package store

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// published is a snapshot of an environment for all contexts: a root, and which
// journal records its trees contain. As a blob, which is the hint too:
//
//	array of 3
//	  stamp  bin   16 bytes: who has published it, and when
//	  root   bin   as it is sealed
//	  facts  bin   sealed as a record, under the snapshot's name; plain:
//	    array of 5, or of 6 where true says at the end that it is a copy of another environment
//	      horizon  uint   all records from before are contained
//	      marks    array  of bin: of each writer, the last record that is contained with all before it
//	      retired  array  oldest first: array of 2 (time uint, names array): blobs that it does not need, and who has published what came before did;
//	                      "l/" and a time stands for all records from before
//	      swept    uint   records from before were deleted
//	      looked   uint   when pages were last looked for that nobody needs
type published struct {
	stamp   stamp
	root    []byte
	known   knowledge
	retired []retirement
	swept   hybrid
	looked  hybrid
	copied  bool // of another environment: only who publishes it may write

	facts   []byte // sealed, nil once they have been read
	changed bool   // retired, swept or looked, since it was published
}

// retirement are blobs that a snapshot has left over.
type retirement struct {
	time  hybrid
	names []string
}

const publishedPrefix = "c/"

// boundName stands for all records from before a time where they are retired.
func boundName(before hybrid) string { return string(appendHex([]byte(logPrefix), uint64(before))) }

func boundOf(name string) (before hybrid, ok bool) {
	if len(name) != len(logPrefix)+16 || name[:len(logPrefix)] != logPrefix {
		return 0, false
	}
	n, err := strconv.ParseUint(name[len(logPrefix):], 16, 64)
	return hybrid(n), err == nil
}

// boundEvery is how much later records have to be for a snapshot to retire them too.
const boundEvery = time.Hour

// bound is what a snapshot retires of the records which it covers, and those before it have not retired; "" for
// none.
func (p *published) bound() string {
	last := p.swept
	for _, r := range p.retired {
		for _, name := range r.names {
			if before, ok := boundOf(name); ok {
				last = max(last, before)
			}
		}
	}
	if last.until(p.known.horizon) < boundEvery {
		return ""
	}
	return boundName(p.known.horizon)
}

func (p *published) name() string {
	return string(appendHex(appendHex([]byte(publishedPrefix), uint64(p.stamp.time)), p.stamp.writer))
}

// seal makes the blob.
func (p *published) seal(ctx context.Context, s *sealer) ([]byte, error) {
	n := uint32(5)
	if p.copied {
		n = 6
	}
	facts := msgp.AppendArrayHeader(nil, n)
	facts = msgp.AppendUint64(facts, uint64(p.known.horizon))
	marks := p.known.marks()
	facts = msgp.AppendArrayHeader(facts, uint32(len(marks)))
	for _, m := range marks {
		facts = m.stamp.append(appendBinHead(facts, markBytes))
		facts = binary.BigEndian.AppendUint32(facts, m.seq)
	}
	facts = msgp.AppendArrayHeader(facts, uint32(len(p.retired)))
	for _, r := range p.retired {
		facts = msgp.AppendArrayHeader(facts, 2)
		facts = msgp.AppendUint64(facts, uint64(r.time))
		facts = msgp.AppendArrayHeader(facts, uint32(len(r.names)))
		for _, name := range r.names {
			facts = msgp.AppendString(facts, name)
		}
	}
	facts = msgp.AppendUint64(facts, uint64(p.swept))
	facts = msgp.AppendUint64(facts, uint64(p.looked))
	if p.copied {
		facts = msgp.AppendBool(facts, true)
	}
	sealed, err := s.seal(ctx, RecordBlob, []Blob{{p.name(), facts}})
	if err != nil {
		return nil, err
	}
	b := msgp.AppendArrayHeader(nil, 3)
	b = appendBin(b, p.stamp.append(nil))
	b = appendBin(b, p.root)
	return appendBin(b, sealed[0].Bytes), nil
}

// readPublished reads what is not sealed of a snapshot.
func readPublished(name string, stored []byte) (*published, error) {
	r := schemaReader{b: stored}
	r.array(3)
	at, root, facts := r.bin(), r.bin(), r.bin()
	if r.err != nil || len(r.b) > 0 || len(at) != stampBytes {
		return nil, fail(Corrupt, "open snapshot", name, r.err)
	}
	return &published{stamp: readStamp(at), root: root, facts: facts}, nil
}

// open reads the facts. The keys of the root must be loaded.
func (p *published) open(ctx context.Context, s *sealer) error {
	if p.facts == nil {
		return nil
	}
	plain, err := s.open(ctx, RecordBlob, []Blob{{p.name(), p.facts}})
	if err != nil {
		return err
	}
	p.facts = nil
	r := schemaReader{b: plain[0].Bytes}
	n := r.array(-1)
	p.known = newKnowledge(hybrid(r.uint()))
	for range r.array(-1) {
		if b := r.bin(); len(b) == markBytes {
			m := mark{readStamp(b), binary.BigEndian.Uint32(b[stampBytes:])}
			p.known.upTo[m.writer] = m
		} else {
			r.err = msgp.ErrShortBytes
		}
	}
	for range r.array(-1) {
		r.array(2)
		left := retirement{time: hybrid(r.uint())}
		for range r.array(-1) {
			left.names = append(left.names, r.string())
		}
		p.retired = append(p.retired, left)
	}
	p.swept, p.looked = hybrid(r.uint()), hybrid(r.uint())
	if n == 6 {
		p.copied = r.bool()
	}
	if n != 5 && !p.copied || r.err != nil || len(r.b) > 0 {
		return fail(Corrupt, "open snapshot", p.name(), r.err)
	}
	return nil
}
