package repository_test

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// everything has an attribute of each kind there is.
type everything struct {
	embedded
	ID       uint32          `json:"id,omitempty"`
	Text     string          `json:"text"`
	Short    int8            `json:"short"`
	Float    float64         `json:"float"`
	Yes      bool            `json:"yes"`
	Maybe    *bool           `json:"maybe"`
	At       time.Time       `json:"at"`
	List     []string        `json:"list"`
	Map      map[string]any  `json:"map"`
	Any      any             `json:"any"`
	Left     string          `json:"-"`
	Named    string          // under its own name
	Pointers map[string]*int `json:"pointers"`
}

type embedded struct {
	Note string `json:"note"`
}

func TestAttributes(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		r, err := repository.NewHash[everything, uint32](u.config("every:thing"))
		u.done(err)
		no := false
		full := everything{
			embedded: embedded{"<&>"}, ID: 7, Text: "", Short: -8, Float: 2.5e30, Yes: true, Maybe: &no,
			At: time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC), List: []string{"a", "<b>"}, Map: map[string]any{"k": 1.0},
			Any: "text", Named: "n", Left: "not stored",
		}
		u.done(r.Add(ctx, full, everything{ID: 8}))
		want := map[string]string{
			"note": "<&>", "id": "7", "text": "", "short": "-8", "float": "2.5e+30", "yes": "1", "maybe": "0",
			"at": "2026-02-03T04:05:06.000000007Z", "list": `["a","<b>"]`, "map": `{"k":1}`, "any": `"text"`, "Named": "n",
		}
		if fields := held(t, u.fallback, "every%3Athing:7", repository.KindHash).Value.Fields; !maps.Equal(fields, want) {
			t.Errorf("stored is %q", fields)
		}
		full.Left = ""
		for id, want := range map[uint32]everything{7: full, 8: {ID: 8}} {
			got, err := r.Query(id).Entity(ctx)
			if u.done(err); !reflect.DeepEqual(got, want) {
				t.Errorf("read %+v, not %+v", got, want)
			}
		}
		u.fails(r.Add(ctx, everything{ID: 9, Float: math.NaN()}), store.InvalidDocument)
		u.done(u.fallback.Write(ctx, repository.Write{Key: "every%3Athing:9", Kind: repository.KindHash,
			Value: repository.Value{Fields: map[string]string{"short": "300"}}}))
		_, err = r.Query(9).Entity(ctx)
		u.fails(err, store.Undecodable)

		var ids []uint32 // the others come all the same
		err = nil
		for entity, failed := range r.Many([]uint32{9, 8, 7}).Entities(ctx) {
			if err = failed; err == nil {
				ids = append(ids, entity.ID)
			}
		}
		u.fails(err, store.Undecodable)
		s, err := repository.NewService(r, repository.ServiceOptions{})
		u.done(err)
		served, err := s.GetMany(ctx, []uint32{9, 8, 7})
		u.fails(err, store.Undecodable)
		for _, entity := range served {
			ids = append(ids, entity.ID)
		}
		if !slices.Equal(ids, []uint32{8, 7, 8, 7}) {
			t.Errorf("found %v", ids)
		}
		u.done(s.Shutdown(ctx))
	})
}

// path is a key that tells its parts, and document an entity that tells its key.
type (
	path     struct{ text string }
	document struct{ Text string }
)

func (p path) Parts() []string { return []string{"path", p.text} }
func (d document) Key() path   { return path{d.Text} }

// TestKeys holds that keys are told apart, whatever is in them.
func TestKeys(t *testing.T) {
	inBubble(t, func(u *tiers) {
		ctx := context.Background()
		type pair struct{ A, B string }
		type entity struct {
			A, B string
			N    int
		}
		r, err := repository.NewHash[entity, pair](u.config("pair"))
		u.done(err)
		all := []entity{{"a", "b:c", 1}, {"a:b", "c", 2}, {"a%3Ab", "c", 3}, {"not-found", "a", 4}, {"a", "not-found", 5}, {"not-found:a", "b", 6}}
		u.done(r.Add(ctx, all...))
		u.done(r.Query(pair{"a", "a"}).Delete(ctx))
		for range 2 {
			for _, want := range all {
				got, err := r.Query(pair{want.A, want.B}).Entity(ctx)
				if u.done(err); got != want {
					t.Errorf("read %v, not %v", got, want)
				}
			}
		}
		documents, err := repository.NewHash[document, path](u.config("document"))
		u.done(err)
		u.done(documents.Add(ctx, document{"x"}))
		if !held(t, u.fallback, "document:path:x", repository.KindHash).Found {
			t.Error("a key that is told is another one")
		}
	})
}
