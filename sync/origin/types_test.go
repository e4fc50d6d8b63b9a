package origin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestTypes holds both sources to the same schema and the same texts.
func TestTypes(t *testing.T) {
	const columns = `id bigint PRIMARY KEY, i bigint, f double precision, n numeric(8,3), t text, b boolean, j jsonb, x %s`
	rows := []struct{ insert, want string }{
		{`(1, 9007199254740993, 0.1, 12.5, 'a', true, '{"a": 1}', %)`, `{"id":"1","i":"9007199254740993","f":"0.1","n":"12.500","t":"a","b":"true","j":"{\"a\": 1}","x":"\\x00ff"}`},
		{`(2, -9223372036854775808, 1e15, -0.125, '', false, '[]', NULL)`, `{"id":"2","i":"-9223372036854775808","f":"1e+15","n":"-0.125","t":"","b":"false","j":"[]","x":null}`},
		{`(3, NULL, 123456.789, NULL, 'é''"\ 😀', NULL, 'null', NULL)`, `{"id":"3","i":null,"f":"123456.789","n":null,"t":"é'\"\\ 😀","b":null,"j":"null","x":null}`},
		{`(4, 0, 1e-5, 0, NULL, NULL, NULL, NULL)`, `{"id":"4","i":"0","f":"1e-05","n":"0.000","t":null,"b":null,"j":null,"x":null}`},
		{`(5, 0, 999999999999999.9, 1, 'x', NULL, NULL, NULL)`, `{"id":"5","i":"0","f":"999999999999999.9","n":"1.000","t":"x","b":null,"j":null,"x":null}`},
		{`(6, 0, 0.0001, 1, 'x', NULL, NULL, NULL)`, `{"id":"6","i":"0","f":"0.0001","n":"1.000","t":"x","b":null,"j":null,"x":null}`},
		{`(7, 0, 1.7976931348623157e308, 1, 'x', NULL, NULL, NULL)`, `{"id":"7","i":"0","f":"1.7976931348623157e+308","n":"1.000","t":"x","b":null,"j":null,"x":null}`},
	}
	const schema = `{"id":{"type":"int8","dims":0,"pk_index":0,"not_null":true},"i":{"type":"int8","dims":0},"f":{"type":"float8","dims":0},` +
		`"n":{"type":"numeric","dims":0,"precision":8,"scale":3},"t":{"type":"text","dims":0},"b":{"type":"bool","dims":0},` +
		`"j":{"type":"jsonb","dims":0},"x":{"type":"bytea","dims":0}}`
	eachDatabase(t, func(t *testing.T, d database) {
		bytes, literal := "bytea", `'\x00ff'`
		if _, lite := d.(*sqliteDatabase); lite {
			bytes, literal = "blob", `x'00ff'`
		}
		d.exec(t, "CREATE TABLE kinds ("+strings.Replace(columns, "%s", bytes, 1)+")")
		for _, row := range rows {
			d.exec(t, "INSERT INTO kinds VALUES "+strings.Replace(row.insert, "%", literal, 1))
		}
		a := newAtlas(t, d, 0, func(c *Config) { c.Tables = []Table{{Name: "kinds"}} })
		f := a.follow("table=kinds").catchUp()
		if f.schema != schema {
			t.Errorf("schema %s\nwant   %s", f.schema, schema)
		}
		for i, row := range rows {
			var want map[string]any
			if err := json.Unmarshal([]byte(row.want), &want); err != nil {
				t.Fatal(err)
			}
			got := f.rowOf(want["id"].(string))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("row %d: %v\nwant   %v", i, got, want)
			}
		}
	})
}

// rowOf returns the row with an id, whatever the schema of its key.
func (f *follower) rowOf(id string) map[string]any {
	for key, row := range f.rows {
		if strings.HasSuffix(key, `/"`+id+`"`) {
			return row
		}
	}
	return nil
}

// TestPostgresTypes reads what SQLite has no type for.
func TestPostgresTypes(t *testing.T) {
	d := newPostgres(t)
	d.exec(t, "CREATE TYPE mood AS ENUM ('good', 'bad')")
	d.exec(t, `CREATE TABLE kinds (a int4, b int2, r real, v varchar(10), c char(3), u uuid, ts timestamptz, d date,
		l int[], m mood, "Odd ""näme" interval, PRIMARY KEY (b, a))`)
	d.exec(t, `INSERT INTO kinds VALUES (7, 1, 0.1, 'v', 'c', '00000000-0000-0000-0000-000000000001',
		'2026-11-20 12:00:00.5+02', '2026-11-20', '{1,NULL,3}', 'bad', '1 day 2 hours')`)
	a := newAtlas(t, d, 0, func(c *Config) { c.Tables = []Table{{Name: "public.kinds"}} })
	f := a.follow("table=kinds").catchUp()
	const schema = `{"a":{"type":"int4","dims":0,"pk_index":1,"not_null":true},"b":{"type":"int2","dims":0,"pk_index":0,"not_null":true},` +
		`"r":{"type":"float4","dims":0},"v":{"type":"varchar","dims":0,"max_length":10},"c":{"type":"bpchar","dims":0,"max_length":3},` +
		`"u":{"type":"uuid","dims":0},"ts":{"type":"timestamptz","dims":0},"d":{"type":"date","dims":0},"l":{"type":"int4","dims":1},` +
		`"m":{"type":"mood","dims":0},"Odd \"n\u00e4me":{"type":"interval","dims":0}}`
	if f.schema != schema {
		t.Errorf("schema %s\nwant   %s", f.schema, schema)
	}
	want := map[string]any{
		"a": "7", "b": "1", "r": "0.1", "v": "v", "c": "c", "u": "00000000-0000-0000-0000-000000000001",
		"ts": "2026-11-20 10:00:00.5+00", "d": "2026-11-20", "l": "{1,NULL,3}", "m": "bad", `Odd "näme`: "P1DT2H",
	}
	if got := f.rows[`"public"."kinds"/"1"/"7"`]; !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}
