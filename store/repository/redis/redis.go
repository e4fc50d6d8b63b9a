// Package redis is the tier of repositories over a Redis server, so that a program that
// outgrows one machine keeps its repositories:
//
//	fast := redis.New(&goredis.Options{Addr: "cache:6379"})
//	people, err := repository.NewHash[Person, string](repository.Config{
//		Name: "person", Fast: fast, Fallback: fallback, Expire: time.Hour,
//	})
//
// Reads of one call are one transaction of the server, and so are writes. Those that
// depend on what there is are begun again when somebody changes it meanwhile. All keys
// must be on one server: for several there is repository.NewRing.
//
// A server that comes back with what it had a while ago, from a file or as a replica that
// lagged, answers with that until it expires, and no repository can tell. Give an Expire
// accordingly, or have it come back empty.
package redis

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/stowage-db/stowage/store"
	"github.com/stowage-db/stowage/store/repository"
)

// tier is a Redis server.
type tier struct {
	client  *redis.Client
	options redis.Options
}

// New returns the tier of a server, which is not connected to before it is used. The
// context of each call bounds it, whatever the options say.
//
// It is a repository.Watcher: a service with Share hears what other processes write there.
func New(options *redis.Options) repository.Tier {
	o := *options
	o.ContextTimeoutEnabled = true
	return &tier{redis.NewClient(&o), o}
}

// Close implements repository.Tier.
func (t *tier) Close() error {
	if err := t.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return failure("close", err)
	}
	return nil
}

// failure gives an error of the client its code.
func failure(op string, err error) error {
	var coded *store.Error
	var timeout net.Error
	var said redis.Error
	code := store.Unavailable
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case errors.Is(err, redis.ErrClosed):
		code = store.Closed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		code = store.Aborted
	case errors.As(err, &timeout) && timeout.Timeout():
		code = store.Timeout
	case !errors.As(err, &said):
	case strings.HasPrefix(err.Error(), "WRONGTYPE"):
		code = store.WrongType
	case strings.HasPrefix(err.Error(), "READONLY"):
		code = store.ReadOnly
	case strings.HasPrefix(err.Error(), "OOM"):
		code = store.Quota
	case strings.HasPrefix(err.Error(), "ERR"):
		code = store.InvalidArgument
	}
	return fail(code, op, err)
}

func fail(code store.Code, op string, cause error) error {
	return &store.Error{Code: code, Op: "redis: " + op, Err: cause}
}
