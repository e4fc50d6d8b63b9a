//go:build !page

package store

import (
	"bytes"
	"context"
	"reflect"
	"testing"
	"time"
)

const (
	firstTime  = hybrid(0x01_9a_bc_de_f0_12_00_03)
	secondTime = firstTime + 1<<hybridBits
)

// TestMergingFormatIsPinned compares what contexts share where they merge, under its names, with the golden files of this
// format version: records, snapshots, those of a copy, and the histories of names.
func TestMergingFormatIsPinned(t *testing.T) {
	ctx, s := context.Background(), plainSealer()
	record := &journalRecord{mark: mark{stamp{secondTime, 0xfedcba9876543210}, 7}, before: firstTime, commits: []journalCommit{
		{firstTime + 1, []*change{{name: ownName + "made", made: &DB{flags: DupSort, meta: []byte("meta")}, fate: emptied}, {name: ownName + "gone", fate: dropped}}},
		{secondTime, []*change{{name: "anew", since: stamp{firstTime, 5}, entries: []journalEntry{{[]byte("apple"), []byte("red")}, {[]byte("lime"), nil}}}}},
	}}
	if name := record.mark.name(); name != "l/019abcdef0130003fedcba987654321000000007" {
		t.Errorf("a record is stored under %s", name)
	}
	sealed, err := s.seal(ctx, RecordBlob, []Blob{{record.mark.name(), record.append(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := s.open(ctx, RecordBlob, []Blob{{record.mark.name(), pinned(t, "journal.sealed", sealed[0].Bytes)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := decodeJournal(record.mark, opened[0].Bytes); !ok || !reflect.DeepEqual(got, record) {
		t.Errorf("a record was read as %+v", got)
	}
	for _, copied := range []bool{false, true} {
		p := published{stamp: stamp{secondTime, 3}, root: []byte("a root, as it is sealed"), known: newKnowledge(firstTime), swept: firstTime.add(-time.Hour), looked: firstTime, copied: copied}
		p.known.upTo[4] = mark{stamp{secondTime, 4}, 9}
		p.retired = []retirement{{firstTime, []string{"p/1/2", boundName(firstTime)}}}
		if name := p.name(); name != "c/019abcdef01300030000000000000003" {
			t.Errorf("a snapshot is stored under %s", name)
		}
		stored, err := p.seal(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readPublished(p.name(), pinned(t, map[bool]string{false: "snapshot.sealed", true: "snapshot-copy.sealed"}[copied], stored))
		if err == nil {
			err = got.open(ctx, s)
		}
		if err != nil || !reflect.DeepEqual(*got, p) {
			t.Errorf("a snapshot was read as %+v, %v", got, err)
		}
	}
	h := history{made: stamp{secondTime, 2}, emptied: stamp{firstTime, 1}}
	never := pinned(t, "history", h.append(nil))
	h.dropped = stamp{firstTime, 6}
	if once := pinned(t, "history-dropped", h.append(nil)); !bytes.HasPrefix(once, never) {
		t.Error("a drop changes what stands before it in a history")
	}
}
