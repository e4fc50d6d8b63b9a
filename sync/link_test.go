package sync

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stowage-db/stowage/store"
)

// linked are tables and what becomes of relations through a third of them, where links are
// changed here: js/test/links.test.ts reads the same file.
type linked struct {
	Tables map[string]struct {
		Columns map[string]string `json:"columns"`
		Key     []string          `json:"key"`
		Rows    []anyRow          `json:"rows"`
	} `json:"tables"`
	Cases []struct {
		Name  string     `json:"name"`
		Link  string     `json:"link"`
		Only  string     `json:"only"` // pulled, or loaded; both
		Steps []linkStep `json:"steps"`
	} `json:"cases"`
}

type linkStep struct {
	Does     string     `json:"does"`
	Model    string     `json:"model"`
	Key      any        `json:"key"`
	Row      anyRow     `json:"row"`
	Rows     []anyRow   `json:"rows"` // at the origin, and gone
	Gone     []anyRow   `json:"gone"`
	Mode     string     `json:"mode"`
	Tags     [][]string `json:"tags"`     // of the two tracks, then
	Requests *int       `json:"requests"` // that takes, with what the step does, where the models are not pulled
	Fails    string     `json:"fails"`    // what the first track's tags are instead
}

func TestLinks(t *testing.T) {
	text, err := os.ReadFile("testdata/links.json")
	must(t, err)
	var all linked
	must(t, json.Unmarshal(text, &all))
	for _, c := range all.Cases {
		for _, pulled := range []bool{false, true} {
			if c.Only == "" || pulled == (c.Only == "pulled") {
				t.Run(fmt.Sprintf("%s, pulled %t", c.Name, pulled), func(t *testing.T) { all.play(t, c.Link, pulled, c.Steps) })
			}
		}
	}
}

func (all *linked) play(t *testing.T, link string, pulled bool, steps []linkStep) {
	w := all.world(t)
	env := newEnv(t)
	v := all.opened(w, env, link, pulled, Freshen)
	for i, s := range steps {
		if s.Does == "reopen" {
			v.Close()
			v = all.opened(w, env, link, pulled, modeCalled(t, s.Mode))
		}
		tracks := []*Item[anyRow]{v.track(t, 1), v.track(t, 2)}
		w.took()
		v.does(t, w, &s, tracks)
		if s.Fails != "" {
			_, err := v.tagsOf.Of(t.Context(), tracks[0])
			fails(t, store.Code(s.Fails), err)
		} else if got := [][]string{v.tagsSeen(t, tracks[0]), v.tagsSeen(t, tracks[1])}; !reflect.DeepEqual(got, s.Tags) {
			t.Errorf("step %d, %s: %q, want %q", i, s.Does, got, s.Tags)
		}
		if asked := w.took(); !pulled && s.Requests != nil && len(asked) != *s.Requests {
			t.Errorf("step %d, %s: %d requests, want %d: %q", i, s.Does, len(asked), *s.Requests, asked)
		}
	}
}

// world serves the tables.
func (all *linked) world(t *testing.T) *world {
	var names, statements []string
	for name, table := range all.Tables {
		names = append(names, name)
		var columns []string
		for column, kind := range table.Columns {
			columns = append(columns, column+" "+map[string]string{"int8": "integer", "text": "text"}[kind])
		}
		statements = append(statements, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", name, strings.Join(columns, ", "), strings.Join(table.Key, ", ")))
	}
	w := newWorld(t, nil, names, statements...)
	for name, table := range all.Tables {
		w.write(name, table.Rows, nil)
	}
	return w
}

// write writes rows of a table, deletes others, and has the origin see it.
func (w *world) write(name string, rows, gone []anyRow) {
	w.Helper()
	for _, row := range rows {
		columns, values := split(row)
		w.exec(fmt.Sprintf("INSERT OR REPLACE INTO %s (%s) VALUES (?%s)", name, strings.Join(columns, ", "), strings.Repeat(", ?", len(values)-1)), values...)
	}
	for _, row := range gone {
		columns, values := split(row)
		w.exec(fmt.Sprintf("DELETE FROM %s WHERE %s = ?", name, strings.Join(columns, " = ? AND ")), values...)
	}
	w.poll()
}

func split(row anyRow) (columns []string, values []any) {
	for column, value := range row {
		columns, values = append(columns, column), append(values, settledJSON(value))
	}
	return columns, values
}

// settledJSON is a value of the file: its numbers are whole.
func settledJSON(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = settledJSON(v[i])
		}
	}
	return v
}

// linkedView is a view of tracks and their tags.
type linkedView struct {
	*View
	models map[string]*Model[anyRow]
	tagsOf *ToMany[anyRow, anyRow]
}

func (all *linked) opened(w *world, env *store.Env, link string, pulled bool, mode Mode) *linkedView {
	v := &linkedView{View: NewView(env, w.options(mode)), models: map[string]*Model[anyRow]{}}
	for name, table := range all.Tables {
		v.models[name] = NewModel[anyRow](v.View, name, ModelSpec{Table: name, Key: table.Key, Pulled: pulled})
	}
	v.tagsOf = Through(v.models["tracks"], "tags", v.models["tags"], v.models[link], "track", "tag", RelationOptions{})
	must(w, v.Open(w.Context()))
	w.Cleanup(v.Close)
	return v
}

func modeCalled(t *testing.T, name string) Mode {
	for m := Offline; m <= Freshen; m++ {
		if m.String() == name {
			return m
		}
	}
	t.Fatalf("there is no mode %q", name)
	return 0
}

func (v *linkedView) track(t *testing.T, id int) *Item[anyRow] {
	t.Helper()
	return there[*Item[anyRow]](t)(v.models["tracks"].Get(t.Context(), id, Load{Mode: PreferCache}))
}

func (v *linkedView) tagsSeen(t *testing.T, track *Item[anyRow]) []string {
	t.Helper()
	seen := []string{}
	for _, tag := range there[[]*Item[anyRow]](t)(v.tagsOf.Of(t.Context(), track)) {
		seen = append(seen, there[anyRow](t)(tag.Row())["id"].(string))
	}
	return seen
}

func (v *linkedView) does(t *testing.T, w *world, s *linkStep, tracks []*Item[anyRow]) {
	t.Helper()
	ctx := t.Context()
	of, key, row := v.models[s.Model], settledJSON(s.Key), anyRow{}
	for column, value := range s.Row {
		row[column] = settledJSON(value)
	}
	var err error
	switch s.Does {
	case "add":
		_, err = of.Add(ctx, row)
	case "change":
		_, err = of.Change(ctx, key, row)
	case "remove":
		err = of.Remove(ctx, key)
	case "discard":
		_, err = v.Discard(ctx, s.Model, key)
	case "origin":
		w.write(s.Model, s.Rows, s.Gone)
	case "mode":
		v.SetMode(modeCalled(t, s.Mode))
	case "refresh":
		for _, track := range tracks {
			if _, err = v.tagsOf.Refresh(ctx, track); err != nil {
				break
			}
		}
	}
	must(t, err)
}
