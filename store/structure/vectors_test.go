package structure_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

// vectors are commands with the answers that Redis gave, and the records that stand in
// the database after them. js/test/structures.test.ts runs the same.
type vectors struct {
	Now      int64     `json:"now"`              // milliseconds since 1970
	Before   []string  `json:"before,omitempty"` // records that there are already
	Commands []command `json:"commands"`
	Answers  []answer  `json:"answers"`
	Records  []string  `json:"records"` // key and value in hexadecimal, with a space between
}

// Of the second file are a set whose levels have no salt, and commands that change it.
const (
	vectorFile   = "testdata/commands.json"
	unsaltedFile = "testdata/unsalted.json"
)

// MarshalJSON writes a score as a number, or as Redis writes an infinite one.
func (s score) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(s), 0) {
		return json.Marshal(map[bool]string{true: "inf", false: "-inf"}[s > 0])
	}
	return json.Marshal(float64(s))
}

// MarshalJSON writes an object, which no answer is.
func (f failed) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"failed": string(f)})
}

// TestVectors gives a database the commands, a few at a time.
func TestVectors(t *testing.T) {
	for _, file := range [...]string{vectorFile, unsaltedFile} {
		t.Run(file, func(t *testing.T) { replay(t, file) })
	}
}

func replay(t *testing.T, file string) {
	var want struct {
		vectors
		Answers []json.RawMessage `json:"answers"`
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil || len(want.Answers) != len(want.Commands) || len(want.Commands) == 0 {
		t.Fatal(len(want.Answers), err)
	}
	answers, records := played(t, want.Before, want.Commands, want.Now)
	for i, got := range answers {
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		if err := json.Compact(&said, want.Answers[i]); err != nil || !bytes.Equal(text, said.Bytes()) {
			t.Fatalf("command %d, %s:\n%s\nwant\n%s", i, want.Commands[i], text, &said)
		}
	}
	if !slices.Equal(records, want.Records) {
		t.Errorf("%d records, want %d, or others", len(records), len(want.Records))
	}
}

// played are the answers to commands and the records after them.
func played(t *testing.T, before []string, all []command, now int64) (answers []answer, records []string) {
	structure.FixSalt(t)
	env := storetest.Open(t, memory.New(), store.Options{})
	put(t, env, before)
	at := time.UnixMilli(now)
	s := structure.New(env, "structures", structure.Options{Clock: func() time.Time { return at }})
	for batch := range slices.Chunk(all, 50) {
		err := s.Update(context.Background(), func(tx *structure.Tx) error {
			for _, c := range batch {
				answers = append(answers, perform(tx, at, c))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for key, value := range dump(t, env) {
		records = append(records, hex.EncodeToString([]byte(key))+" "+hex.EncodeToString([]byte(value)))
	}
	slices.Sort(records)
	return answers, records
}

// put stores records as dump tells them.
func put(t *testing.T, env *store.Env, records []string) {
	err := env.Update(context.Background(), func(tx *store.Tx) error {
		db, err := tx.DB("structures", 0)
		for _, record := range records {
			key, value, _ := strings.Cut(record, " ")
			if err == nil {
				err = db.Put(unhex(key), unhex(value))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func unhex(text string) []byte {
	b, _ := hex.DecodeString(text)
	return b
}
