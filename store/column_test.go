package store_test

import (
	"reflect"
	"testing"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
)

// TestColumnsStay declares columns, then asks for the table as programs do that know nothing of
// them, and for further indexes: what was declared is there in every opening.
func TestColumnsStay(t *testing.T) {
	ctx, blobs := t.Context(), memory.NewBlobs()
	columns := []store.Column{
		{Name: "id", Type: "INTEGER"},
		{Name: "name", Type: "TEXT", Collation: "nocase", NotNull: true, Default: "'nobody'"},
		{Name: "upper", Generated: "upper(name)"},
	}
	checks := []string{"id > 0"}
	plain := store.Schema{Key: query.Field("id"), Increment: true}
	declared := plain
	declared.Columns, declared.Checks = columns, checks
	indexed := plain
	indexed.Indexes = []store.IndexSpec{{Name: "name", Paths: []query.Path{query.Field("name")}}}
	for _, asked := range []store.Schema{declared, plain, indexed} {
		env, err := store.Open(ctx, memory.Open(blobs), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		table, err := env.Table(ctx, "people", asked, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := table.Schema()
		if !reflect.DeepEqual(got.Columns, columns) || !reflect.DeepEqual(got.Checks, checks) {
			t.Errorf("asked for %+v, the table has %+v", asked, got)
		}
		if err := env.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
