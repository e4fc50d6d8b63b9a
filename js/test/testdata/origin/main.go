// Command origin is the Go side of js/test/campaigns/origin.test.ts: it serves a table of
// a SQLite file to real clients and changes it as it is told.
//
//	origin DIRECTORY ROWS [SLICES]
//
// The table cities has ROWS made-up rows, or those of the atlas in the files of
// the folder SLICES. It prints its URL, and then for each line of its input does
// something and prints what there is then: the number of rows and a sum of them.
//
//	change SEED    a few random insertions, updates and deletions
//	forget         stops, loses its sidecar and starts again at the same address
//	export DIR     writes the table as static files
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite"

	"github.com/stowage-db/stowage/sync/origin"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type city struct {
	id         int64
	name       string
	country    string
	population sql.NullInt64
	lat        float64
}

// fixture is the database, what should be in it, and the server.
type fixture struct {
	dir    string
	db     *sql.DB
	cities map[int64]city
	top    int64
	sum    uint32 // of all rows, by exclusive or
	origin *origin.Origin
	stop   func()
	addr   string
}

func run(ctx context.Context, args []string) error {
	f := &fixture{dir: args[0], cities: map[int64]city{}, addr: "127.0.0.1:0"}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.dir, "atlas.sqlite")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		return err
	}
	defer db.Close()
	f.db = db
	cities, err := load(args)
	if err != nil {
		return err
	}
	if err := f.fill(ctx, cities); err != nil {
		return err
	}
	if err := f.serve(ctx); err != nil {
		return err
	}
	fmt.Printf("http://%s/v1/shape\n", f.addr)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := f.do(ctx, lines.Text()); err != nil {
			return err
		}
		fmt.Printf("%d %d\n", len(f.cities), f.sum)
	}
	f.stop()
	return lines.Err()
}

func load(args []string) ([]city, error) {
	var cities []city
	if len(args) == 2 {
		n, err := strconv.ParseInt(args[1], 10, 64)
		for id := int64(1); id <= n; id++ {
			cities = append(cities, city{id, fmt.Sprintf("city %d", id), "NO", sql.NullInt64{Int64: id, Valid: true}, float64(id) / 8})
		}
		return cities, err
	}
	slices, err := filepath.Glob(filepath.Join(args[2], "cities-*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range slices {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var rows [][]any // [id, name, country, feature, admin, population, lat, lon]
		if err := json.Unmarshal(body, &rows); err != nil {
			return nil, err
		}
		for _, r := range rows {
			population := sql.NullInt64{Int64: int64(r[5].(float64)), Valid: true}
			cities = append(cities, city{int64(r[0].(float64)), r[1].(string), r[2].(string), population, r[6].(float64)})
		}
	}
	return cities, nil
}

func (f *fixture) fill(ctx context.Context, cities []city) error {
	_, err := f.db.ExecContext(ctx, "CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT, population INTEGER, lat REAL)")
	if err != nil {
		return err
	}
	return f.within(ctx, func(tx *sql.Tx) error {
		for _, c := range cities {
			f.top = max(f.top, c.id)
			if err := f.put(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fixture) within(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (f *fixture) put(tx *sql.Tx, c city) error {
	if before, ok := f.cities[c.id]; ok {
		f.sum ^= before.sum()
	}
	f.cities[c.id] = c
	f.sum ^= c.sum()
	_, err := tx.Exec("INSERT OR REPLACE INTO cities VALUES (?, ?, ?, ?, ?)", c.id, c.name, c.country, c.population, c.lat)
	return err
}

func (f *fixture) remove(tx *sql.Tx, id int64) error {
	if c, ok := f.cities[id]; ok {
		f.sum ^= c.sum()
		delete(f.cities, id)
	}
	_, err := tx.Exec("DELETE FROM cities WHERE id = ?", id)
	return err
}

// sum is what the client computes of the values that it was sent.
func (c city) sum() uint32 {
	population := "null"
	if c.population.Valid {
		population = strconv.FormatInt(c.population.Int64, 10)
	}
	fields := []string{strconv.FormatInt(c.id, 10), c.name, c.country, population, strconv.FormatFloat(c.lat, 'f', -1, 64)}
	return crc32.ChecksumIEEE([]byte(strings.Join(fields, "\x1f")))
}

func (f *fixture) serve(ctx context.Context) error {
	source, err := origin.OpenSQLite(filepath.Join(f.dir, "atlas.sqlite"))
	if err != nil {
		return err
	}
	o, err := origin.Open(ctx, source, origin.Config{
		Sidecar: filepath.Join(f.dir, "sidecar"), Tables: []origin.Table{{Name: "cities"}}, Poll: 10 * time.Millisecond, Statement: true, Origins: []string{"*"},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return err
	}
	f.addr, f.origin = listener.Addr().String(), o
	server := &http.Server{Handler: o.Handler()}
	polling, cancel := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() { o.Run(polling); close(polled) }()
	go func() { _ = server.Serve(listener) }()
	f.stop = func() {
		o.Drain()
		_ = server.Close()
		cancel()
		<-polled
		if err := o.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return nil
}

func (f *fixture) do(ctx context.Context, line string) error {
	if line == "forget" {
		f.stop()
		if err := os.Remove(filepath.Join(f.dir, "sidecar")); err != nil {
			return err
		}
		return f.serve(ctx)
	}
	if dir, ok := strings.CutPrefix(line, "export "); ok {
		_, err := f.origin.Export(ctx, dir)
		return err
	}
	seed, err := strconv.ParseUint(strings.TrimPrefix(line, "change "), 10, 64)
	if err != nil {
		return err
	}
	return f.within(ctx, func(tx *sql.Tx) error { return f.change(tx, rand.New(rand.NewPCG(seed, 7))) })
}

func (f *fixture) change(tx *sql.Tx, random *rand.Rand) error {
	for range 1 + random.IntN(40) {
		id := 1 + random.Int64N(f.top)
		var err error
		switch c, known := f.cities[id]; random.IntN(4) {
		case 0:
			err = f.remove(tx, id)
		case 1:
			f.top++
			err = f.put(tx, city{f.top, "new \"" + strconv.FormatUint(random.Uint64(), 36) + "\" é😀", "", sql.NullInt64{}, -float64(random.IntN(1e6)) / 8})
		default:
			if !known {
				continue
			}
			c.population = sql.NullInt64{Int64: random.Int64N(1 << 60), Valid: true}
			c.name = strings.ToUpper(c.name)
			err = f.put(tx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
