package sync

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
)

// loaded is an ever-loaded record: what was asked of an origin, when, and which rows it
// was. It tells what is empty from what was never loaded. Each is a document of the table
// `sync loaded`; pages have the same in js/src/sync/loaded.ts.
type loaded struct {
	wanted
	rows []any // identities in the origin's order; none where there is no such row
	at   int64 // milliseconds since 1970
}

// wanted is what can be asked for: a row, the rows of a relation, or what a condition
// finds.
type wanted struct {
	record string // see recordOf
	model  string // of the rows
	field  string // itself for a row, else the relation or the tag of a condition
	owner  any    // the row that it is asked for; nil for a condition
	where  string // the condition, where it is one
	params []any
}

// itself is the field of a row.
const itself = "-"

const loadedTable = "sync loaded"

var recordPath = query.Field("record")

// recordOf is the name of a record, the same in a page.
func recordOf(model, field, of string) string { return listText(model, field, of) }

func listText(items ...any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(items) // texts and lists of them always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// nameOf is a text for an identity, another one for every other.
func nameOf(key any) string {
	switch key := key.(type) {
	case string:
		return `"` + key
	case int64:
		return strconv.FormatInt(key, 10)
	case bool:
		return strconv.FormatBool(key)
	case float64:
		return strconv.FormatFloat(key, 'g', -1, 64)
	case []any:
		names := make([]string, len(key))
		for i := range key {
			names[i] = nameOf(key[i])
		}
		return "[" + strings.Join(names, "\x00,")
	}
	return ""
}

func wantedRow(model string, key any) wanted {
	return wanted{record: recordOf(model, itself, nameOf(key)), model: model, field: itself, owner: key}
}

// wantedWhere tells conditions apart by what they ask: values by their types as well.
func wantedWhere(model, tag, where string, params []any) wanted {
	plain := strings.Join(strings.Fields(where), " ")
	field := listText("", tag)
	return wanted{record: recordOf(model, field, listText(plain, typed(params))), model: model, field: field, where: plain, params: params}
}

// typed are values with their types.
func typed(params []any) []any {
	typed := make([]any, len(params))
	for i, v := range params {
		kind, text := "string", ""
		switch v := v.(type) {
		case nil:
			kind, text = "object", "null"
		case string:
			text = v
		case bool:
			kind, text = "boolean", strconv.FormatBool(v)
		default:
			kind, text = "number", nameOf(v)
		}
		typed[i] = []any{kind, text}
	}
	return typed
}

func (l *loaded) append(dst []byte) []byte {
	return query.AppendValue(dst, map[string]any{
		"record": l.record, "model": l.model, "field": l.field, "owner": l.owner, "where": l.where,
		"params": append([]any{}, l.params...), "rows": append([]any{}, l.rows...), "at": l.at,
	})
}

// readLoaded reads a record by its name, nil where there is none.
func readLoaded(tx *store.Tx, record string) (*loaded, error) {
	table, err := openTable(tx, loadedTable)
	if err != nil || table == nil {
		return nil, err
	}
	doc, err := document(tx, table, record)
	if err != nil || doc == nil {
		return nil, err
	}
	return parseLoaded(doc)
}

func parseLoaded(doc []byte) (*loaded, error) {
	fields, err := readDocument(doc)
	if err != nil {
		return nil, err
	}
	l := &loaded{at: whole(fields["at"])}
	l.record, l.model, l.field = text(fields["record"]), text(fields["model"]), text(fields["field"])
	l.owner, l.where = fields["owner"], text(fields["where"])
	l.params, _ = fields["params"].([]any)
	l.rows, _ = fields["rows"].([]any)
	return l, nil
}

// document reads the document of an identity, nil where there is none.
func document(tx *store.Tx, table *store.Table, identity any) ([]byte, error) {
	key, err := store.AppendIdentity(nil, query.AppendValue(nil, identity))
	if err != nil {
		return nil, err
	}
	doc, _, err := table.Get(tx, key)
	return doc, err
}

// rowOf reads the row of an identity, nil where there is none.
func rowOf(tx *store.Tx, table *store.Table, identity any) (map[string]any, error) {
	doc, err := document(tx, table, identity)
	if err != nil || doc == nil {
		return nil, err
	}
	return readDocument(doc)
}
