package redis

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// invalidations is the channel on which a server tells a connection of protocol 2 which
// of the keys that it tracks have changed.
const invalidations = "__redis__:invalidate"

const (
	silence = 5 * time.Second        // after it a connection is asked whether it is still there
	pause   = 100 * time.Millisecond // before a server is called again that was not there
)

// Watch implements repository.Watcher with the server's tracking of keys, which tells
// of those that expire or are evicted too. While there is no connection nothing is heard.
func (t *tier) Watch(prefix string, changed func(keys ...string)) (stop func()) {
	o := t.options
	o.Protocol = 2 // in which what is told comes as messages of a channel
	connected := o.OnConnect
	o.OnConnect = func(ctx context.Context, c *redis.Conn) error {
		if connected != nil {
			if err := connected(ctx, c); err != nil {
				return err
			}
		}
		id, err := c.ClientID(ctx).Result()
		if err != nil {
			return err
		}
		return c.Do(ctx, "CLIENT", "TRACKING", "ON", "REDIRECT", id, "BCAST", "PREFIX", prefix).Err()
	}
	client := redis.NewClient(&o)
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() {
		for ctx.Err() == nil {
			listen(ctx, client.Subscribe(ctx, invalidations), changed)
			changed()
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		_ = client.Close() // which ends what waits for it
		listening.Wait()
	}
}

// listen tells of what a subscription hears, until that fails.
func listen(ctx context.Context, s *redis.PubSub, changed func(keys ...string)) {
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	for asked := false; ; {
		message, err := s.ReceiveTimeout(ctx, silence)
		if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() && !asked && s.Ping(ctx) == nil {
			asked = true
			continue
		}
		if err != nil {
			return
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			changed()
		case *redis.Message:
			changed(m.PayloadSlice...)
		}
	}
}
