package sync

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stowage-db/stowage/sync/origin"
)

const benchRows = 20_000

// BenchmarkPull pulls a table into an environment in memory.
func BenchmarkPull(b *testing.B) {
	w := newCitiesWith(b, benchRows, func(c *origin.Config) { c.ChunkBytes = 1 << 20 })
	for b.Loop() {
		p := w.pull(newEnv(b), nil)
		must(b, p.Complete(b.Context()))
		p.Close()
	}
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkFetchAndParse is what BenchmarkPull cannot do without: the same bytes fetched,
// and read as JSON.
func BenchmarkFetchAndParse(b *testing.B) {
	w := newCitiesWith(b, benchRows, func(c *origin.Config) { c.ChunkBytes = 1 << 30 })
	for b.Loop() {
		response, err := http.Get(w.shapes() + "?table=cities&offset=-1")
		must(b, err)
		body, err := io.ReadAll(response.Body)
		must(b, err)
		must(b, response.Body.Close())
		var messages []message
		must(b, json.Unmarshal(body, &messages))
		if len(messages) < benchRows {
			b.Fatalf("%d messages", len(messages))
		}
	}
	b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
