package sync_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/stowage-db/stowage/query"
	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/sync"
	"github.com/stowage-db/stowage/sync/origin"
)

// A table of a SQLite file is served, and pulled into a table of an environment.
func ExamplePull() {
	ctx := context.Background()
	server, end := serveAtlas(ctx)
	defer end()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)

	puller, err := sync.Pull(ctx, env, sync.PullOptions{
		Origin: server.URL + "/v1/shape",
		Shapes: map[string]sync.ShapeSpec{"nordic": {Table: "cities", Where: "country = $1", Params: []string{"NO"}}},
		Once:   true,
	})
	if err != nil {
		panic(err)
	}
	defer puller.Close()
	if err := puller.Complete(ctx); err != nil {
		panic(err)
	}

	q, err := query.Select(query.Gt(query.Field("population"), 300_000))
	if err != nil {
		panic(err)
	}
	err = env.View(ctx, func(tx *store.Tx) error {
		cities, err := tx.OpenTable("nordic")
		if err != nil {
			return err
		}
		return cities.Find(tx, q, func(doc []byte) error {
			row, _ := query.ReadValue(doc)
			fmt.Println(row.(map[string]any)["name"])
			return nil
		})
	})
	if err != nil {
		panic(err)
	}
	// Output: Oslo
}

type country struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type city struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Country string `json:"country"`
}

// Rows are loaded as they are asked for, and are there without a network from then on.
func ExampleView() {
	ctx := context.Background()
	server, end := serveAtlas(ctx)
	defer end()
	env, err := store.Open(ctx, memory.New(), store.Options{})
	if err != nil {
		panic(err)
	}
	defer env.Close(ctx)

	atlas := sync.NewView(env, sync.ViewOptions{Origin: server.URL + "/v1/shape"})
	countries := sync.NewModel[country](atlas, "countries", sync.ModelSpec{Table: "countries", Key: []string{"code"}})
	cities := sync.NewModel[city](atlas, "cities", sync.ModelSpec{Table: "cities", Key: []string{"id"}})
	citiesOf := sync.Many(countries, "cities", cities, "country", sync.RelationOptions{})
	if err := atlas.Open(ctx); err != nil {
		panic(err)
	}
	defer atlas.Close()

	for _, mode := range []sync.Mode{sync.Freshen, sync.Offline} {
		atlas.SetMode(mode)
		norway, err := countries.Get(ctx, "NO")
		if err != nil {
			panic(err)
		}
		list, err := citiesOf.Of(ctx, norway)
		if err != nil {
			panic(err)
		}
		for _, item := range list {
			row, err := item.Row()
			if err != nil {
				panic(err)
			}
			fmt.Println(mode, row.Name, atlas.Requests.Count())
		}
	}
	_, err = countries.Get(ctx, "SE")
	fmt.Println(store.CodeOf(err))
	// Output:
	// freshen Oslo 2
	// freshen Bergen 2
	// offline Oslo 2
	// offline Bergen 2
	// offline
}

// serveAtlas serves a file with three cities of two countries.
func serveAtlas(ctx context.Context) (server *httptest.Server, end func()) {
	folder, err := os.MkdirTemp("", "atlas")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(folder, "atlas.sqlite")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		panic(err)
	}
	_, err = db.Exec("CREATE TABLE countries (code text PRIMARY KEY, name text); INSERT INTO countries VALUES ('NO', 'Norway'), ('SE', 'Sweden');" +
		"CREATE TABLE cities (id integer PRIMARY KEY, name text, country text, population integer);" +
		"INSERT INTO cities VALUES (1, 'Oslo', 'NO', 709037), (2, 'Bergen', 'NO', 291940), (3, 'Uppsala', 'SE', 177074)")
	if err != nil {
		panic(err)
	}
	if err := db.Close(); err != nil {
		panic(err)
	}
	source, err := origin.OpenSQLite(file)
	if err != nil {
		panic(err)
	}
	o, err := origin.Open(ctx, source, origin.Config{Sidecar: filepath.Join(folder, "sidecar"), Tables: []origin.Table{{Name: "cities"}, {Name: "countries"}}, Statement: true})
	if err != nil {
		panic(err)
	}
	server = httptest.NewServer(o.Handler())
	return server, func() {
		o.Drain()
		server.Close()
		_ = o.Close()
		_ = os.RemoveAll(folder)
	}
}
