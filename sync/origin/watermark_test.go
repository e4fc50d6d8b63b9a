package origin

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stowage-db/stowage/store"
)

// marked serves cities with a column that counts changes.
func marked(t *testing.T, d database, rows int, full time.Duration) *atlas {
	return newAtlas(t, d, rows, func(c *Config) {
		c.Tables[0].Watermark = "population"
		c.Full = full
	})
}

// skimmed reports whether the last look at the cities has read the newest rows only.
func (a *atlas) skimmed() bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, s := range a.shapes {
		if strings.Contains(s.def.Table, "cities") && s.skimmed.IsZero() {
			return false
		}
	}
	return true
}

// Rows that are new or changed are found by the watermark, deleted ones by the count.
func TestWatermark(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		a := marked(t, d, 300, time.Hour)
		f := a.follow("table=cities").catchUp()
		some := a.follow("table=cities&columns=id,name&where=" + url.QueryEscape("country = 'NO'")).catchUp()
		version := 1_000_000
		for _, step := range []struct {
			sql     string
			skimmed bool
		}{
			{"UPDATE cities SET name = 'first', population = %d WHERE id = 3", true},
			{"INSERT INTO cities (id, name, country, population) VALUES (1001, 'new', 'NO', %d)", true},
			{"DELETE FROM cities WHERE id = 6 OR population = -%d", false},
			{"UPDATE cities SET country = 'NO', population = %d WHERE id = 4", true},
			{"UPDATE cities SET country = 'SE', population = %d WHERE id = 9", false}, // it leaves some
		} {
			version++
			d.exec(t, fmt.Sprintf(step.sql, version))
			a.poll()
			if a.skimmed() != step.skimmed {
				t.Errorf("%s: skimmed is %v", step.sql, !step.skimmed)
			}
			f.catchUp().expect()
			some.catchUp().expect()
		}
	})
}

// What was changed under a small watermark is found by the next full look, though the gate
// has not moved since.
func TestWatermarkForgotten(t *testing.T) {
	d := newSQLite(t)
	a := marked(t, d, 50, time.Nanosecond)
	f := a.follow("table=cities").catchUp()
	d.exec(t, "UPDATE cities SET name = 'forgotten' WHERE id = 5")
	a.poll()
	a.poll()
	if a.skimmed() {
		t.Error("everything was to be read")
	}
	f.catchUp().expect()
}

func TestWatermarkFollowsRandomChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		a := marked(t, d, 400, time.Hour)
		f := a.follow("table=cities").catchUp()
		skimmed, next := 0, 1000
		versions := 60
		if testing.Short() {
			versions = 20
		}
		for version := range versions {
			for range 1 + random.IntN(5) {
				id := 1 + random.IntN(500)
				switch random.IntN(6) {
				case 0:
					d.exec(t, fmt.Sprintf("DELETE FROM cities WHERE id = %d", id))
				case 1:
					next++
					d.exec(t, fmt.Sprintf("INSERT INTO cities (id, name, population) VALUES (%d, 'new', %d)", next, 1_000_000+version))
				default:
					d.exec(t, fmt.Sprintf("UPDATE cities SET name = 'v%d', population = %d WHERE id = %d", random.IntN(9), 1_000_000+version, id))
				}
			}
			a.poll()
			if a.skimmed() {
				skimmed++
			}
			f.catchUp()
		}
		f.expect()
		if skimmed == 0 {
			t.Error("no look was a short one")
		}
	})
}

func TestWatermarkIsChecked(t *testing.T) {
	d := newSQLite(t)
	newAtlas(t, d, 1, nil).stop()
	for _, table := range []Table{{Name: "cities", Watermark: "none"}, {Name: "cities", Watermark: "pin", Deny: []string{"pin"}}} {
		_, err := Open(t.Context(), d.open(t), Config{Sidecar: t.TempDir() + "/sidecar", Tables: []Table{table}})
		if store.CodeOf(err) != store.InvalidOption {
			t.Errorf("%+v: %v", table, err)
		}
	}
}
