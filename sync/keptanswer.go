package sync

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// keptAnswer is what an origin has answered to a statement, as it is kept: a document of the
// table `sync answers`; pages have the same in js/src/sync/keptanswer.ts.
type keptAnswer struct {
	hash     string // of asked
	asked    string // the statement and its values
	versions string // of the shapes it names: with other ones it is no answer any more
	found    Found
	at       int64 // when it was the origin's answer last, in milliseconds since 1970
}

const answersTable = "sync answers"

// Of answers so many are kept, and so many bytes as they were sent; the last one always.
const (
	answersKept = 64
	bytesKept   = 16 << 20
)

var hashPath = query.Field("hash")

func (a *keptAnswer) append(dst []byte) []byte {
	columns, rows := make([]any, len(a.found.Columns)), make([]any, len(a.found.Rows))
	for i, name := range a.found.Columns {
		columns[i] = name
	}
	for i, row := range a.found.Rows {
		rows[i] = append([]any{}, row...)
	}
	return query.AppendValue(dst, map[string]any{
		"hash": a.hash, "asked": a.asked, "versions": a.versions, "etag": a.found.ETag,
		"columns": columns, "rows": rows, "bytes": int64(a.found.Bytes), "at": a.at,
	})
}

// readAnswer reads the answer to what was asked, nil where there is none any more.
func readAnswer(tx *store.Tx, asked, versions string) (*keptAnswer, error) {
	table, err := openTable(tx, answersTable)
	if err != nil || table == nil {
		return nil, err
	}
	fields, err := rowOf(tx, table, hashOf(asked))
	if err != nil || fields == nil || text(fields["asked"]) != asked || text(fields["versions"]) != versions {
		return nil, err
	}
	a := &keptAnswer{hash: hashOf(asked), asked: asked, versions: versions, at: whole(fields["at"])}
	a.found.ETag, a.found.Bytes = text(fields["etag"]), int(whole(fields["bytes"]))
	columns, _ := fields["columns"].([]any)
	for _, name := range columns {
		a.found.Columns = append(a.found.Columns, text(name))
	}
	rows, _ := fields["rows"].([]any)
	for _, row := range rows {
		values, _ := row.([]any)
		a.found.Rows = append(a.found.Rows, values)
	}
	return a, nil
}

// hashOf is the name of an answer. Another statement may have the same.
func hashOf(asked string) string {
	return writeSum(hashTexts(texts{"asked": &asked}, []string{"asked"}))
}

// keep stores an answer, and drops the oldest where there are too many.
func (a *keptAnswer) keep(ctx context.Context, env *store.Env) error {
	a.at = time.Now().UnixMilli()
	return env.Update(ctx, func(tx *store.Tx) error {
		table, err := tx.Table(answersTable, uncompressed(hashPath))
		if err != nil {
			return err
		}
		if _, err := table.Put(tx, [][]byte{a.append(nil)}); err != nil {
			return err
		}
		gone, err := a.tooMany(tx, table)
		if err != nil {
			return err
		}
		return deleteKeys(tx, table, gone)
	})
}

// tooMany names the answers that are not to be kept beside one that has come.
func (a *keptAnswer) tooMany(tx *store.Tx, table *store.Table) (gone []any, err error) {
	q := all()
	if q.Projection, err = query.Without(query.Field("rows")); err != nil {
		return nil, err
	}
	var others []map[string]any
	err = table.Find(tx, q, func(doc []byte) error {
		other, err := readDocument(doc)
		if err == nil && text(other["hash"]) != a.hash {
			others = append(others, other)
		}
		return err
	})
	slices.SortFunc(others, func(x, y map[string]any) int { return cmp.Compare(whole(y["at"]), whole(x["at"])) })
	bytes := int64(a.found.Bytes)
	for i, other := range others {
		if bytes += whole(other["bytes"]); i+1 >= answersKept || bytes > bytesKept {
			gone = append(gone, other["hash"])
		}
	}
	return gone, err
}
