//go:build !js

package structure_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/memory"
	"github.com/stowage-db/stowage/store/storetest"
	"github.com/stowage-db/stowage/store/structure"
)

var (
	many   = flag.Int("commands", 100_000, "how many commands Redis and the structures are given")
	record = flag.String("record", "", "a file for commands drawn at random, and their answers: "+vectorFile+" for those of the tests")
	drawn  = flag.Int("drawn", 1500, "how many commands are recorded")
)

// server returns a client of a Redis server of the test's own.
func server(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: storetest.Redis(t), Protocol: 2})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// asked gives Redis commands in one round and returns its answers.
func asked(t *testing.T, client *redis.Client, batch []command) []answer {
	t.Helper()
	pipe := client.Pipeline()
	sent := make([]*redis.Cmd, len(batch))
	for i, c := range batch {
		words := make([]any, len(c))
		for j, word := range c {
			words[j] = word
		}
		sent[i] = pipe.Do(context.Background(), words...)
	}
	_, _ = pipe.Exec(context.Background()) // each has its own error
	answers := make([]answer, len(batch))
	for i, c := range batch {
		value, err := sent[i].Result()
		answers[i] = readAnswer(t, c, value, err)
	}
	return answers
}

// readAnswer is what Redis says to a command as perform says it.
func readAnswer(t *testing.T, c command, value any, err error) answer {
	t.Helper()
	var refused redis.Error
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case errors.As(err, &refused):
		if strings.HasPrefix(err.Error(), "WRONGTYPE") {
			return failed("wrong_type")
		}
		return failed("invalid")
	case err != nil:
		t.Fatal(err)
	}
	scores := func(at ...int) answer {
		list := plainly(value)
		for i := range list.([]answer) {
			if slices.Contains(at, i%2) && list.([]answer)[i] != nil {
				list.([]answer)[i] = score(number(list.([]answer)[i].(string)))
			}
		}
		return list
	}
	switch c[0] {
	case "zscore", "zincrby", "geodist":
		return score(number(value.(string)))
	case "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore":
		return scores(1)
	case "geopos":
		if place := plainly(value).([]answer)[0]; place == nil {
			return []answer{nil}
		}
		return []answer{numbers(value.([]any)[0])}
	case "geosearch":
		list := []answer{}
		for _, found := range value.([]any) {
			of := found.([]any)
			list = append(list, []answer{of[0].(string), score(number(of[1].(string))), numbers(of[2])})
		}
		return list
	case "hgetall":
		values := map[string]string{}
		list := value.([]any)
		for i := 0; i < len(list); i += 2 {
			values[list[i].(string)] = list[i+1].(string)
		}
		return sortedFields(values)
	default:
		return plainly(value)
	}
}

func numbers(value any) answer {
	list := []answer{}
	for _, word := range value.([]any) {
		list = append(list, score(number(word.(string))))
	}
	return list
}

func plainly(value any) answer {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	answers := make([]answer, len(list))
	for i, value := range list {
		answers[i] = plainly(value)
	}
	return answers
}

// TestAnswersOfRedis gives a Redis server and the structures the same commands, which
// are drawn at random, and wants the same answers.
func TestAnswersOfRedis(t *testing.T) {
	r := commands{rand.New(rand.NewPCG(storetest.Seed(t), 0))}
	client := server(t)
	if *record != "" {
		recordVectors(t, client)
		client.FlushAll(context.Background())
	}
	ctx := context.Background()
	env, err := store.Open(ctx, memory.New(), store.Options{PageBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close(ctx)
	now := time.UnixMilli(time.Now().UnixMilli())
	structures := structure.New(env, "structures", structure.Options{Clock: func() time.Time { return now }})
	refused := 0
	for done := 0; done < *many; {
		batch := make([]command, 1+r.IntN(400))
		for i := range batch {
			batch[i] = r.draw()
		}
		want := asked(t, client, batch)
		err := structures.Update(ctx, func(tx *structure.Tx) error {
			for i, c := range batch {
				if _, is := want[i].(failed); is {
					refused++
				}
				if got := perform(tx, now, c); !same(c, got, want[i]) && !missed(c, got, want[i]) {
					return fmt.Errorf("command %d, %s:\n%v\nRedis says\n%v", done+i, c, got, want[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		done += len(batch)
		switch r.IntN(20) {
		case 0:
			_, err = structures.Sweep(ctx)
		case 1:
			err = env.Checkpoint(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 || refused > *many*3/4 { // a tenth most times; of keys that are met often and have another type, far more
		t.Errorf("%d of %d commands were refused", refused, *many)
	}
	var keys []string
	for _, kind := range [...]string{"s", "h", "z", "g"} {
		for i := range 4 {
			keys = append(keys, kind+strconv.Itoa(i))
		}
	}
	err = structures.Update(ctx, func(tx *structure.Tx) error {
		_, err := tx.Del(keys...)
		return err
	})
	if err == nil {
		_, err = structures.Sweep(ctx)
	}
	if n := entries(t, env, "structures"); err != nil || n != 0 {
		t.Errorf("%d records are left of nothing, %v", n, err)
	}
}

// missed tells whether Redis has missed places that a search should find. It guesses
// from the latitude how large the cells must be that it looks into, and towards the
// poles they are too small at times.
func missed(c command, got, want answer) bool {
	found, searched := got.([]answer)
	rest, answered := want.([]answer)
	if c[0] != "geosearch" || !searched || !answered {
		return false
	}
	for _, place := range found {
		if len(rest) > 0 && same(c, place, rest[0]) {
			rest = rest[1:]
			continue
		}
		where := place.([]answer)[2].([]answer)
		if math.Abs(float64(where[1].(score))) < 66 {
			return false
		}
	}
	count := slices.Index(c, "count")
	return len(rest) == 0 || count > 0 && c[count+1] == strconv.Itoa(len(found))
}

// recordVectors draws commands and writes them down once Redis has given the answers
// that the structures give. The numbers of places are written as those print them. The
// tests' commands follow from a seed that stays, others from that of the test.
func recordVectors(t *testing.T, client *redis.Client) {
	r := commands{rand.New(rand.NewPCG(1, 2))}
	if *record != vectorFile {
		r = commands{rand.New(rand.NewPCG(storetest.Seed(t), 1))}
	}
	v := vectors{Now: 1_800_000_000_000}
	for range *drawn {
		v.Commands = append(v.Commands, r.draw())
	}
	said := asked(t, client, v.Commands)
	v.Answers, v.Records = played(t, nil, v.Commands, v.Now)
	for i, c := range v.Commands {
		if !same(c, v.Answers[i], said[i]) && !missed(c, v.Answers[i], said[i]) {
			t.Fatalf("command %d, %s:\n%v\nRedis says\n%v", i, c, v.Answers[i], said[i])
		}
	}
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(*record, append(bytes.ReplaceAll(b, []byte(`],[`), []byte("],\n[")), '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
