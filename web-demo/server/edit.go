package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// editor edits the cities of the demo's database, as whoever owns a database does:
//
//	POST   /edit/cities       {"country": "PL", "name": "Nowe", "population": 1200} → {"id": 12806301}
//	PATCH  /edit/cities/{id}  {"name": "Nowe", "population": 1300}, or one of them
//	DELETE /edit/cities/{id}
//
// It answers this machine alone, and no page of another place.
type editor struct {
	db     *sql.DB
	routes http.Handler
}

// city is what is said of one. Nil stays as it is.
type city struct {
	Country    string  `json:"country"`
	Name       *string `json:"name"`
	Population *int64  `json:"population"`
}

const (
	mostBytes      = 4096           // of what is said
	mostName       = 200            // letters
	mostPopulation = 10_000_000_000 // people
)

func openEditor(file string) (*editor, error) {
	db, err := openWorld(file)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // edits follow one another
	e := &editor{db: db}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /edit/cities", e.add)
	mux.HandleFunc("PATCH /edit/cities/{id}", e.change)
	mux.HandleFunc("DELETE /edit/cities/{id}", e.remove)
	e.routes = http.NewCrossOriginProtection().Handler(mux)
	return e, nil
}

func (e *editor) Close() error { return e.db.Close() }

func (e *editor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopback(r.RemoteAddr) || !loopback(r.Host) {
		http.Error(w, "only this machine edits", http.StatusForbidden)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	e.routes.ServeHTTP(w, r)
}

// loopback reports whether an address is one of this machine. A name that somebody else
// has lead here is none.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// add puts a city into the middle of its country.
func (e *editor) add(w http.ResponseWriter, r *http.Request) {
	c, ok := readCity(w, r)
	if !ok {
		return
	}
	if c.Name == nil {
		http.Error(w, "a city has a name", http.StatusBadRequest)
		return
	}
	population := int64(0)
	if c.Population != nil {
		population = *c.Population
	}
	var id int64
	err := e.db.QueryRowContext(r.Context(), `INSERT INTO cities (name, fold, country, feature, admin, population, lat, lon)
		SELECT ?, ?, code, 'PPL', '', ?, lat, lon FROM countries WHERE code = ? RETURNING id`,
		*c.Name, fold(*c.Name), population, c.Country).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		http.Error(w, "there is no such country", http.StatusNotFound)
		return
	}
	if err != nil {
		failed(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":%d}`, id)
}

func (e *editor) change(w http.ResponseWriter, r *http.Request) {
	c, ok := readCity(w, r)
	if !ok {
		return
	}
	var folded *string
	if c.Name != nil {
		text := fold(*c.Name)
		folded = &text
	}
	e.edit(w, r, `UPDATE cities SET name = coalesce(?, name), fold = coalesce(?, fold), population = coalesce(?, population) WHERE id = ?`,
		c.Name, folded, c.Population)
}

func (e *editor) remove(w http.ResponseWriter, r *http.Request) {
	e.edit(w, r, "DELETE FROM cities WHERE id = ?")
}

// edit runs a statement whose last parameter is the id of the path.
func (e *editor) edit(w http.ResponseWriter, r *http.Request, statement string, params ...any) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "an id is a number", http.StatusBadRequest)
		return
	}
	done, err := e.db.ExecContext(r.Context(), statement, append(params, id)...)
	if err != nil {
		failed(w, err)
		return
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		http.Error(w, "there is no such city", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// readCity answers itself where what is said makes no city.
func readCity(w http.ResponseWriter, r *http.Request) (c city, ok bool) {
	said := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBytes))
	said.DisallowUnknownFields()
	wrong := ""
	switch err := said.Decode(&c); {
	case err != nil:
		wrong = "a city is an object with a country, a name and a population"
	case c.Name != nil && (strings.TrimSpace(*c.Name) == "" || len([]rune(*c.Name)) > mostName):
		wrong = fmt.Sprintf("a name has 1 to %d letters", mostName)
	case c.Population != nil && (*c.Population < 0 || *c.Population > mostPopulation):
		wrong = fmt.Sprintf("a population is 0 to %d", mostPopulation)
	}
	if wrong != "" {
		http.Error(w, wrong, http.StatusBadRequest)
	}
	return c, wrong == ""
}

func failed(w http.ResponseWriter, err error) {
	http.Error(w, "the database: "+err.Error(), http.StatusInternalServerError)
}
