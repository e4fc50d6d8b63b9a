//go:build !js

package redis_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/repository/redis"
	"github.com/stowage-db/stowage/store/storetest"
)

var something = repository.Read{Key: "k", Kind: repository.KindExists}

// TestSilent holds that a server which does not answer is not waited for beyond the
// context, and that one which is not there is told as that.
func TestSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tier := redis.New(&goredis.Options{Addr: silent.Addr().String()})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := tier.Read(ctx, something); store.CodeOf(err) != store.Timeout && store.CodeOf(err) != store.Aborted {
		t.Errorf("of a silent server: %v", err)
	}
	if err := tier.Close(); err != nil {
		t.Error(err)
	}
	_ = silent.Close()
	absent := redis.New(&goredis.Options{Addr: silent.Addr().String(), MaxRetries: -1})
	defer func() { _ = absent.Close() }()
	if _, err := absent.Read(context.Background(), something); store.CodeOf(err) != store.Unavailable {
		t.Errorf("of no server: %v", err)
	}
	if err := absent.Write(context.Background(), repository.Write{Key: "k", Kind: repository.KindBoolean, Only: repository.IfAbsent}); store.CodeOf(err) != store.Unavailable {
		t.Errorf("of no server: %v", err)
	}
}

// TestRace holds that of many who write what is absent one succeeds, and that writes
// which merge do not lose each other's members.
func TestRace(t *testing.T) {
	options := &goredis.Options{Addr: storetest.Redis(t), Protocol: 2}
	tier := redis.New(options)
	defer func() { _ = tier.Close() }()
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			field := string(rune('a' + n))
			if err := tier.Write(context.Background(),
				repository.Write{Key: "first", Kind: repository.KindHash, Value: repository.Value{Fields: map[string]string{field: "1"}}, Only: repository.IfAbsent},
				repository.Write{Key: "all", Kind: repository.KindHash, Value: repository.Value{Fields: map[string]string{field: "1"}}, Merge: true}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	found, err := tier.Read(context.Background(), repository.Read{Key: "first", Kind: repository.KindHash}, repository.Read{Key: "all", Kind: repository.KindHash})
	if err != nil || len(found[0].Value.Fields) != 1 || len(found[1].Value.Fields) != 20 {
		t.Errorf("%v, %v", found, err)
	}
}
