package origin

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestConditions holds both databases to the same rows.
func TestConditions(t *testing.T) {
	conditions := []struct{ where, want string }{
		{"id = 1", "1"},
		{"id = '1'", "1"},
		{"id IN (1, '2', 3) AND NOT id = 3", "1 2"},
		{"id NOT IN (1, 2, 3)", "4 5"},
		{"population > 2500 OR name = 'Ålesund'", "3 4 5"},
		{"population * 2 >= '6000'", "3 5"},
		{"population + 500 = $1", "2"},
		{"population % 2000 = 0", "2"},
		{"population BETWEEN 1000 AND 2000", "1 2"},
		{"name LIKE 'O%'", "1"},
		{"name ILIKE 'o%'", "1 2"},
		{"name NOT LIKE '%s%'", "3 5"},
		{`name LIKE '100\%'`, "5"},
		{"name LIKE '%é%'", "3"},
		{"name || '!' = 'Oslo!'", "1"},
		{"lower(name) = 'oslo'", "1 2"},
		{"length(name) = 4", "1 2 3 5"},
		{"substr(name, 1, 1) = 'O'", "1"},
		{"coalesce(country, 'none') = 'none'", "4"},
		{"nullif(country, 'NO') IS NULL", "1 2 4"},
		{"country IS NULL", "4"},
		{"country IS NOT NULL", "1 2 3 5"},
		{"country <> 'NO'", "3 5"},
		{"country IS DISTINCT FROM 'NO'", "3 4 5"},
		{"country IS NOT DISTINCT FROM NULL", "4"},
		{"active", "1 3"},
		{"active = true", "1 3"},
		{"active = 'false'", "2"},
		{"active IS NOT TRUE", "2 4 5"},
		{"NOT active", "2"},
		{"share > 0.5", "2 3"},
		{"share = '0.25'", "1"},
		{"-share < -0.5", "2 3"},
		{"abs(share - 1) < 0.5", "2 3"},
		{"CASE WHEN id > 3 THEN 'far' ELSE 'near' END = 'far'", "4 5"},
		{"CASE country WHEN 'NO' THEN 1 WHEN 'SE' THEN 2 END = 2", "3"},
		{"CAST(id AS text) = '3'", "3"},
		{"id::text || 'x' = '3x'", "3"},
		{`"id" = 2 AND places."name" = 'oslo'`, "2"},
		{"ID = 2", "2"},
		{"image = '\\x00ff'", "1"},
		{"(((id))) <= +1", "1"},
		{"id = 2" + strings.Repeat(" OR id = 4", 190), "2 4"},
		{"id " + strings.Repeat("+ 1 - 1 ", 190) + "= 2", "2"},
		{strings.Repeat("NOT ", 40) + "id = 2", "2"},
	}
	refused := []string{
		"id", "name", "id =", "= 1", "id = 'x'", "name = 1", "active = 1", "nope = 1", "id = $2", "id == 1", "id = 1 --", "id = 1;",
		"(id = 1", "id IN ()", "id = (SELECT 1)", "EXISTS (SELECT 1)", "count(*) = 1", "upper() = 'x'", "name LIKE", "id = 1x", "pin = 'x'",
		`"ID" = 1`, "id BETWEEN 1 AND 'x'", "other.id = 1", "'a' = 'a", "id = $0", "random() = 1", "id = 1 = 1", "name::regclass = 'x'",
		strings.Repeat("(", 100) + "id = 1" + strings.Repeat(")", 100), "id = 1" + strings.Repeat(" OR id = 1", 500), "id = " + strings.Repeat("1", 20_000),
	}
	eachDatabase(t, func(t *testing.T, d database) {
		bytes, literal := "bytea", `'\x00ff'`
		if _, lite := d.(*sqliteDatabase); lite {
			bytes, literal = "blob", `x'00ff'`
		}
		d.exec(t, "CREATE TABLE places (id integer PRIMARY KEY, name text, country text, population integer, active boolean, share double precision, image "+bytes+", pin text)")
		d.exec(t, `INSERT INTO places VALUES (1, 'Oslo', 'NO', 1000, true, 0.25, `+literal+`, 'x'), (2, 'oslo', 'NO', 2000, false, 0.75, NULL, 'x'),
			(3, 'Malé', 'SE', 3000, true, 1.25, NULL, 'x'), (4, 'Ålesund', NULL, NULL, NULL, NULL, NULL, 'x'), (5, '100%', 'DK', 5001, NULL, NULL, NULL, 'x')`)
		a := newAtlas(t, d, 0, func(c *Config) { c.Tables = []Table{{Name: "places", Deny: []string{"pin"}}} })
		for _, c := range conditions {
			f := a.follow("table=places&columns=id&params[1]=2500&where=" + url.QueryEscape(c.where)).catchUp()
			var ids []string
			for _, row := range f.rows {
				ids = append(ids, row["id"].(string))
			}
			slices.Sort(ids)
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%s: %q, want %q", c.where, got, c.want)
			}
		}
		for _, where := range refused {
			response, body := a.get("/v1/shape?table=places&offset=-1&params[1]=1&where=" + url.QueryEscape(where))
			if response.StatusCode != 400 && response.StatusCode != 413 {
				t.Errorf("%.60s: %d %.200s", where, response.StatusCode, body)
			}
		}
	})
}

// FuzzFilter holds the canonical form to what it stands for: it reads as itself.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"id = 1 AND name LIKE 'x%'", "CASE id WHEN 1 THEN 'a' ELSE name END = $1", "NOT (id IN (1, '2') OR name IS DISTINCT FROM NULL)", "id::text || 'é''' <> '😀'"} {
		f.Add(seed)
	}
	r := &Relation{Schema: "main", Name: "cities", Columns: []Column{{Name: "id", Type: "int8", Key: 1}, {Name: "name", Type: "text"}, {Name: `o"dd`, Type: "bool"}}}
	f.Fuzz(func(t *testing.T, sql string) {
		parsed, err := parseFilter(sql)
		if err != nil {
			return
		}
		once, err := renderFilter(canonicalDialect, r, parsed, []literal{{unknownKind, "p'1"}})
		if err != nil {
			return
		}
		again, err := parseCanonical(once.sql)
		if err != nil {
			t.Fatalf("%q is %q, which is refused: %v", sql, once.sql, err)
		}
		twice, err := renderFilter(canonicalDialect, r, again, nil)
		if err != nil || once.sql != twice.sql {
			t.Fatalf("%q is %q and then %q (%v)", sql, once.sql, twice.sql, err)
		}
		for _, d := range []dialect{sqliteDialect, postgresDialect} {
			s, err := renderFilter(d, r, parsed, []literal{{unknownKind, "p'1"}})
			if err == nil && strings.Contains(s.sql, "'") && !strings.Contains(s.sql, `ESCAPE '\'`) {
				t.Fatalf("%q is %q: a value stands in it", sql, s.sql)
			}
		}
	})
}
