package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallData writes the files of two countries and of two cities of one.
func smallData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"countries.json": `[{"code":"LT","name":"Lithuania","flag":"iVBORw0K","borders":["PL"]},{"code":"PL","name":"Poland","official":"Republic of Poland",
			"region":"Europe","subregion":"Central Europe","capital":"Warsaw","area":312679,"lat":52,"lon":20,"flag":"iVBORw0K","borders":["LT"]}]`,
		"manifest.json":  `{"cities":2,"slices":[{"file":"cities-00.json"},{"file":"cities-01.json"}]}`,
		"cities-00.json": `[[1,"Warsaw","PL","PPLC","78",1702139,52.22977,21.01178]]`,
		"cities-01.json": `[[2,"Łódź","PL","PPLA","74",768755,51.75,19.46667]]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"Łódź": "lodz", "Örebro": "orebro", "Straße": "strasse", "Ærø": "aero", "İzmir": "izmir", "Đà Nẵng": "da nang",
		"Sant Julià de Lòria": "sant julia de loria", "Nuku‘alofa": "nuku'alofa", "Þorlákshöfn": "thorlakshofn", "東京": "東京",
	} {
		if got := fold(name); got != want {
			t.Errorf("fold(%q) = %q, not %q", name, got, want)
		}
	}
}

// TestWorldIsServed pulls what the files say, with the columns that the page has.
func TestWorldIsServed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "atlas.sqlite")
	if err := prepareWorld(t.Context(), file, smallData(t)); err != nil {
		t.Fatal(err)
	}
	o, err := openOrigin(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for table, want := range map[string]map[string]string{
		"cities": {
			"id": "2", "name": "Łódź", "fold": "lodz", "country": "PL", "feature": "PPLA", "admin": "74",
			"population": "768755", "lat": "51.75", "lon": "19.46667",
		},
		"large_cities": {"id": "2", "name": "Łódź", "country": "PL", "population": "768755"},
		"borders":      {"country": "PL", "neighbour": "LT"},
		"countries": {
			"code": "PL", "name": "Poland", "fold": "poland", "official": "Republic of Poland", "region": "Europe",
			"subregion": "Central Europe", "capital": "Warsaw", "area": "312679", "lat": "52", "lon": "20", "flag": `\x89504e470d0a`,
		},
	} {
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/shape?offset=-1&table="+table, nil))
		var messages []struct{ Value map[string]string }
		if err := json.Unmarshal(w.Body.Bytes(), &messages); err != nil {
			t.Fatalf("%s: %v in %s", table, err, w.Body)
		}
		last := messages[len(messages)-1].Value
		if len(last) != len(want) {
			t.Errorf("%s has %d columns, not %d", table, len(last), len(want))
		}
		for column, value := range want {
			if last[column] != value {
				t.Errorf("%s.%s = %q, not %q", table, column, last[column], value)
			}
		}
	}
}

// TestWorldIsKept edits the world and starts again: it is made once.
func TestWorldIsKept(t *testing.T) {
	file, data := filepath.Join(t.TempDir(), "atlas.sqlite"), smallData(t)
	if err := prepareWorld(t.Context(), file, data); err != nil {
		t.Fatal(err)
	}
	db, err := openWorld(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE cities SET name = 'Edited' WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	if err := prepareWorld(t.Context(), file, data); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := db.QueryRow("SELECT name FROM cities WHERE id = 2").Scan(&name); err != nil || name != "Edited" {
		t.Errorf("the city is called %q after a second start: %v", name, err)
	}
}

// TestWorldIsMadeWhole fails half-way, and leaves nothing that would be taken for the world.
func TestWorldIsMadeWhole(t *testing.T) {
	file, data := filepath.Join(t.TempDir(), "atlas.sqlite"), smallData(t)
	slice := filepath.Join(data, "cities-01.json")
	if err := os.WriteFile(slice, []byte("[[2,"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := prepareWorld(t.Context(), file, data); err == nil || !strings.Contains(err.Error(), "cities-01.json") {
		t.Fatalf("a file that ends half-way is told as %v", err)
	}
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Fatalf("there is %v", left)
	}
	if err := os.WriteFile(slice, []byte(`[[2,"Łódź","PL","PPLA","74",768755,51.75,19.46667]]`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := prepareWorld(t.Context(), file, data); err != nil {
		t.Fatal(err)
	}
}
