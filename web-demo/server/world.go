package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// edition is that of the tables below; a file of another one is made anew.
const edition = 2

// worldTables are what the origin serves. What the flag holds is a PNG.
const worldTables = `
CREATE TABLE countries (
	code TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, fold TEXT NOT NULL, official TEXT NOT NULL,
	region TEXT NOT NULL, subregion TEXT NOT NULL, capital TEXT NOT NULL,
	area REAL NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, flag BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE borders (
	country TEXT NOT NULL REFERENCES countries, neighbour TEXT NOT NULL REFERENCES countries,
	PRIMARY KEY (country, neighbour)
) WITHOUT ROWID;
CREATE TABLE cities (
	id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, fold TEXT NOT NULL, country TEXT NOT NULL REFERENCES countries,
	feature TEXT NOT NULL, admin TEXT NOT NULL, population INTEGER NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
);
CREATE INDEX cities_country ON cities (country);
CREATE VIEW large_cities AS SELECT id, name, country, population FROM cities WHERE population >= 250000;
`

// country is one of countries.json, of data/build.mjs.
type country struct {
	Code, Name, Official, Region, Subregion, Capital string
	Area, Lat, Lon                                   float64
	Flag                                             []byte   // base64 in the file
	Borders                                          []string // codes of its neighbours
}

// prepareWorld makes the database of the demo out of the files of data, unless
// it is there. It appears under its name when it is whole.
func prepareWorld(ctx context.Context, file, data string) error {
	if made, err := editionOf(ctx, file); err != nil || made == edition {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	part := file + ".part"
	err := errors.Join(remove(part), makeWorld(ctx, part, data))
	if err != nil {
		return errors.Join(fmt.Errorf("make %s: %w", file, err), remove(part))
	}
	return os.Rename(part, file)
}

// editionOf returns 0 where there is no such file.
func editionOf(ctx context.Context, file string) (made int, err error) {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	db, err := openWorld(file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return made, db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&made)
}

// openWorld opens the database for whoever edits it. The origin that serves it
// has connections of its own, which only read.
func openWorld(file string) (*sql.DB, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=busy_timeout(5000)&_txlock=immediate"}
	return sql.Open("sqlite", dsn.String())
}

func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func makeWorld(ctx context.Context, file, data string) (err error) {
	db, err := openWorld(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, after the commit
	if _, err := tx.ExecContext(ctx, worldTables); err != nil {
		return err
	}
	if err := putCountries(ctx, tx, data); err != nil {
		return err
	}
	if err := putCities(ctx, tx, data); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", edition)); err != nil {
		return err
	}
	return tx.Commit()
}

func putCountries(ctx context.Context, tx *sql.Tx, data string) error {
	var countries []country
	if err := readJSON(filepath.Join(data, "countries.json"), &countries); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO countries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, c := range countries {
		if _, err := insert.ExecContext(ctx, c.Code, c.Name, fold(c.Name), c.Official, c.Region, c.Subregion, c.Capital, c.Area, c.Lat, c.Lon, c.Flag); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return putBorders(ctx, tx, countries)
}

func putBorders(ctx context.Context, tx *sql.Tx, countries []country) error {
	for _, c := range countries {
		for _, neighbour := range c.Borders {
			if _, err := tx.ExecContext(ctx, "INSERT INTO borders VALUES (?, ?)", c.Code, neighbour); err != nil {
				return fmt.Errorf("%s and %s: %w", c.Name, neighbour, err)
			}
		}
	}
	return nil
}

func putCities(ctx context.Context, tx *sql.Tx, data string) error {
	var manifest struct{ Slices []struct{ File string } }
	if err := readJSON(filepath.Join(data, "manifest.json"), &manifest); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO cities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, slice := range manifest.Slices {
		var rows [][8]any // id, name, country, feature, admin, population, lat, lon
		if err := readJSON(filepath.Join(data, slice.File), &rows); err != nil {
			return err
		}
		for _, r := range rows {
			name, ok := r[1].(string)
			if !ok {
				return fmt.Errorf("%s: a city without a name", slice.File)
			}
			if _, err := insert.ExecContext(ctx, r[0], name, fold(name), r[2], r[3], r[4], r[5], r[6], r[7]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
