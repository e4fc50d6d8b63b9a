package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// frames is testdata/frames.json, which js/test/wire.test.ts reads as well: for
// each frame its name and its bytes in hex.
func frames(t testing.TB) map[string][]byte {
	text, err := os.ReadFile("testdata/frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Hex string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for _, f := range list {
		if all[f.Name], err = hex.DecodeString(f.Hex); err != nil {
			t.Fatal(f.Name, err)
		}
	}
	return all
}

func TestRequestsOfTheHost(t *testing.T) {
	all := frames(t)
	read := func(name string, op Op) Request {
		t.Helper()
		q, err := ReadRequest(all[name])
		if err != nil || q.Op != op {
			t.Fatalf("%s: op %d, %v", name, q.Op, err)
		}
		return q
	}
	check := func(name string, ok bool, err error) {
		t.Helper()
		if !ok || err != nil {
			t.Errorf("%s: not what was written (%v)", name, err)
		}
	}

	q := read("open", Open)
	s, err := q.Settings()
	chain := []store.Stage{{Kind: store.Compress, ID: 1}, {Kind: store.User, ID: 200}}
	check("open", s.Version == Version && s.CacheBytes == 33554432 && s.MaxValueBytes == 16777216 && s.Durability == store.Strict &&
		s.BufferBytes == 65536 && s.BufferTime == 250*time.Millisecond && s.Seed[0] == 7 && s.Seed[31] == 7 && slices.Equal(s.Chain, chain), err)

	q = read("change", Amend)
	change, err := q.Change()
	check("change", change == 300, err)

	q = read("salvage", Salvage)
	stages, err := q.Chain()
	check("salvage", slices.Equal(stages, chain[:1]), err)

	q = read("table", Table)
	name, schema, kept, err := q.TableSchema()
	check("table", name == "cities" && schema.Key.String() == "id" && schema.Increment && schema.Exact && schema.Uncompressed && len(schema.Indexes) == 2 && kept == 10, err)
	if len(schema.Indexes) == 2 {
		first, second := schema.Indexes[0], schema.Indexes[1]
		check("index", first.Name == "country,at.0" && len(first.Paths) == 2 && first.Paths[1].String() == "at.0" && first.Paths[1][1].Index == 0, nil)
		check("index", second.Multi && !second.Unique && second.Paths[0].String() == "tags", nil)
	}

	q = read("get", Get)
	key, err := q.Key()
	check("get", q.Transaction == 300 && q.Table == 2 && hex.EncodeToString(key) == "404f736c6f00", err)

	q = read("getMany", GetMany)
	keys, err := q.Keys()
	check("getMany", len(keys) == 2, err)

	q = read("live", Live)
	asked, err := q.LiveQuery()
	check("live", asked.Query != nil && asked.Query.Limit == 5 && asked.Number == 7 && asked.Counted, err)

	q = read("liveSQL", Live)
	asked, err = q.LiveQuery()
	check("liveSQL", asked.Query == nil && asked.SQL != nil && asked.SQL.Text == "SELECT ?" && len(asked.SQL.Values) == 1 && asked.Number == 7 && asked.Counted, err)

	q = read("sql", SQL)
	statement, err := q.Statement()
	check("sql", statement.Text == "SELECT ?" && len(statement.Values) == 1 && statement.Values[0][0] == 5 && statement.Wanted == Changes && statement.Work == 100, err)

	q = read("heard", Heard)
	sign, err := q.Sign()
	check("heard", sign == store.Contested, err)

	q = read("insert", Insert)
	wanted, documents, err := q.Documents()
	check("insert", wanted && len(documents) == 2 && bytes.Equal(documents[1], []byte{0x81, 0xa2, 'i', 'd', 2}), err)

	q = read("update", Update)
	key, patch, err := q.KeyChange()
	check("update", len(key) > 0 && bytes.Equal(patch, []byte{0x81, 0xa1, 'a', 1}), err)

	q = read("begin", Begin)
	access, d, err := q.Access()
	check("begin", access == Exclusive && d != nil && *d == store.Strict, err)

	q = read("import", Import)
	i, err := q.Import()
	check("import", i.Replace && i.Set == 300 && len(i.Chain) == 1 && i.Chain[0] == store.Stage{Kind: store.Compress, ID: 2}, err)
}

func TestDatabaseRequestsOfTheHost(t *testing.T) {
	all := frames(t)
	read := func(name string, op Op) Request {
		t.Helper()
		q, err := ReadRequest(all[name])
		if err != nil || q.Op != op {
			t.Fatalf("%s: op %d, %v", name, q.Op, err)
		}
		return q
	}
	check := func(name string, ok bool, err error) {
		t.Helper()
		if !ok || err != nil {
			t.Errorf("%s: not what was written (%v)", name, err)
		}
	}
	named := Database{Name: "d", Flags: store.DupSort, Asked: true, Create: true}

	q := read("dbPut", DBPut)
	d, how, pairs, err := q.DatabasePairs()
	check("dbPut", d == named && how == Keep && len(pairs) == 2 && string(pairs[1].Key) == "\x03" && pairs[1].Value != nil, err)

	q = read("dbDelete", DBDelete)
	d, pairs, err = q.DatabaseDeletes()
	check("dbDelete", d == named && len(pairs) == 2 && pairs[0].Value == nil && string(pairs[1].Value) == "\x03", err)

	q = read("dbReplace", DBReplace)
	d, key, value, err := q.DatabaseKeyValue()
	check("dbReplace", d == named && string(key) == "\x01" && string(value) == "\x02", err)

	q = read("dbWalk", DBWalk)
	d, b, w, err := q.DatabaseWalk()
	check("dbWalk", d == named && string(b.Low) == "\x01" && b.Above && b.High == nil && !b.Included && b.Prefix == nil, err)
	check("dbWalk", w == Walk{Reverse: true, Fields: KeysAndValues, Skip: 3, Limit: -1}, nil)

	q = read("cursorMove", CursorMove)
	cursor, step, key, value, err := q.CursorStep()
	check("cursorMove", cursor == 300 && Move(step) == SeekPair && string(key) == "\x01" && string(value) == "\x02", err)

	q = read("cursorWalk", CursorWalk)
	cursor, w, err = q.CursorWalk()
	check("cursorWalk", cursor == 300 && w == Walk{Fields: KeysOnly, Skip: 300, Limit: 50}, err)
}

func TestRepliesOfTheHost(t *testing.T) {
	all := frames(t)
	blobs, err := ReadBlobs(all["blobs"], 3)
	if err != nil || len(blobs) != 3 || string(blobs[0]) != "ab" || blobs[1] != nil || blobs[2] == nil || len(blobs[2]) != 0 {
		t.Errorf("blobs: %q, %v", blobs, err)
	}
	if _, err := ReadBlobs(all["blobs"], 2); err == nil {
		t.Error("blobs: another number than asked for is accepted")
	}
	names, err := ReadNames(all["names"])
	if err != nil || len(names) != 2 || names[1] != "l/0000000000000002" {
		t.Errorf("names: %q, %v", names, err)
	}
	info, shared, err := ReadInfo(all["info"])
	if want := (store.Info{Properties: store.Properties{Atomic: true, MaxBlob: 65535}, Blobs: -1, Bytes: 5000000000}); err != nil || info != want || !shared {
		t.Errorf("info: %+v, %v", info, err)
	}
	asks := []*query.Ask{
		{Function: 0, Value: []byte{1}}, {Function: 2, Value: []byte{0xc0}}, {Function: 0, Value: []byte{0xa1, 'a'}},
	}
	if got := AppendAsks(nil, asks); !bytes.Equal(got, all["asks"]) {
		t.Errorf("asks: %x", got)
	}
	if err := ReadAnswers(all["answers"], asks); err != nil || asks[0].Answer[0] != 0xc3 || asks[2].Answer[0] != 0xc2 || string(asks[1].Answer) != "\xa1x" {
		t.Errorf("answers: %x %x %x, %v", asks[0].Answer, asks[1].Answer, asks[2].Answer, err)
	}
	if err := ReadAnswers(all["answers"], asks[:2]); err == nil {
		t.Error("answers to other questions were taken")
	}
	if part, err := ReadPart(all["part"]); err != nil || !bytes.Equal(part, []byte{1, 2, 3}) {
		t.Errorf("part: %x, %v", part, err)
	}
	if part, err := ReadPart(all["done"]); err != nil || part != nil {
		t.Errorf("the end of a stream: %x, %v", part, err)
	}
	if _, err := ReadPart(all["failed"]); store.CodeOf(err) != store.Quota {
		t.Errorf("a stream that failed: %v", err)
	}
	if number, err := ReadLock(all["locked"]); err != nil || number != 7 {
		t.Errorf("locked: %d, %v", number, err)
	}
	others, err := ReadOthers(all["others"])
	if err != nil || others.Pin != (store.Pin{Read: 2, Known: 3}) || !slices.Equal(others.Writers, []uint64{0xdeadbeef01234567, 1}) {
		t.Errorf("others: %+v, %v", others, err)
	}
	others, err = ReadOthers(all["nobody"])
	if err != nil || others.Pin != (store.Pin{Read: math.MaxUint64, Known: math.MaxUint64}) || others.Writers != nil {
		t.Errorf("nobody: %+v, %v", others, err)
	}
	if err := ReadNothing(all["done"]); err != nil {
		t.Errorf("done: %v", err)
	}
	if err := ReadNothing(all["failed"]); store.CodeOf(err) != store.Quota || err.Error() != "no space" {
		t.Errorf("failed: %v", err)
	}
}

func TestRequestsToTheHost(t *testing.T) {
	all := frames(t)
	batch := &store.Batch{
		Put:         []store.Blob{{Name: "p/1", Bytes: []byte{1, 2}}},
		Add:         []store.Blob{{Name: "l/1", Bytes: []byte{3}}},
		Root:        &store.RootSwap{New: []byte{4}},
		Delete:      []string{"p/0"},
		DeleteRange: &store.NameRange{From: "l/0", To: "l/9"},
		Durability:  store.Strict,
	}
	for name, got := range map[string][]byte{
		"batch":    AppendBatch(nil, batch),
		"read":     AppendNames(nil, []string{"r", "p/1"}),
		"list":     AppendText(nil, "l/"),
		"sealing":  AppendSealing(nil, 300, store.Stage{Kind: store.User, ID: 200}, OpenBlobs, []store.Sealing{{Kind: store.PageBlob, Name: "p/1", Before: []byte{2, 1}, Bytes: []byte{1, 2}}}),
		"load":     AppendLoad(nil, 300, store.Stage{Kind: store.Encrypt, ID: 1}, [16]byte{7}, nil),
		"amend":    AppendAmend(nil, 300, []byte{1}),
		"progress": AppendProgress(nil, 3, 1000),
		"join":     JoinFrame(0xdeadbeef01234567),
		"lock":     LockFrame("write", 2*time.Second, true),
		"pin":      PinFrame(store.Pin{Read: 3, Known: 4}),
		"failure":  AppendFailure(nil, &store.Error{Code: store.Conflict, Op: "commit"}),
	} {
		if !bytes.Equal(got, all[name]) {
			t.Errorf("%s: %x, want %x", name, got, all[name])
		}
	}
}

// FuzzFrame reads any bytes as every kind of frame.
func FuzzFrame(f *testing.F) {
	for _, frame := range frames(f) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		readReplies(frame)
		q, err := ReadRequest(frame)
		if err != nil {
			return
		}
		q.Own(nil)
		_, _ = q.Settings()
		_, _ = q.Chain()
		_, _ = q.Change()
		_, _, _, _ = q.TableSchema()
		_, _ = q.Key()
		_, _ = q.Keys()
		_, _, _ = q.Documents()
		_, _, _ = q.KeyChange()
		_, _ = q.Query()
		_, _, _, _ = q.QueryChange()
		_, _, _ = q.QueryDelete()
		_, _, _ = q.Access()
		_, _ = q.Sign()
		_, _ = q.Database()
		_, _, _ = q.DatabaseKey()
		_, _, _ = q.DatabaseKeys()
		_, _, _, _ = q.DatabasePairs()
		_, _, _ = q.DatabaseDeletes()
		_, _, _, _ = q.DatabaseKeyValue()
		_, _, _ = q.DatabaseRange()
		_, _, _, _ = q.DatabaseWalk()
		_, _, _ = q.CursorWalk()
		_, _ = q.Cursor()
		_, _, _, _, _ = q.CursorStep()
		_, _ = q.Text()
		if n, ok := query.Skip(frame); ok {
			rest, err := msgp.Skip(frame)
			if err == nil && len(frame)-len(rest) != n {
				t.Fatalf("skip: %d, msgp: %d", n, len(frame)-len(rest))
			}
		}
	})
}

func readReplies(frame []byte) {
	_ = ReadNothing(frame)
	_, _ = ReadBlobs(frame, 1)
	_, _ = ReadNames(frame)
	_, _, _ = ReadInfo(frame)
	_, _ = ReadLock(frame)
	_, _ = ReadOthers(frame)
}
