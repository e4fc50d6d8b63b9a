//go:build !js

package repository_test

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store/repository"
	"github.com/stowage-db/stowage/store/repository/redis"
	"github.com/stowage-db/stowage/store/repository/tiertest"
	"github.com/stowage-db/stowage/store/storetest"
)

func init() {
	pairs = append(pairs, pair{"redis over a file", inRedis, inFile})
}

func TestRedisTier(t *testing.T) { tiertest.Suite{New: inRedis}.Run(t) }

// inRedis opens a Redis server, for which time passes in that its keys stay less long.
func inRedis(t *testing.T) (repository.Tier, func(time.Duration)) {
	options := &goredis.Options{Addr: storetest.Redis(t), Protocol: 2}
	client := goredis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	tier := redis.New(options)
	t.Cleanup(func() { _ = tier.Close() })
	return tier, func(d time.Duration) {
		ctx := context.Background()
		for _, key := range client.Keys(ctx, "*").Val() {
			if left := client.PTTL(ctx, key).Val(); left > 0 {
				client.PExpire(ctx, key, left-d)
			}
		}
	}
}
