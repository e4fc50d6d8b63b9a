package origin

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"sync"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// interruptOnDone has what a connection is doing end when ctx does, until stop is called.
//
// The driver does so only for the first row of a query: a statement that finds one at once,
// and then looks for another for hours, would go on. SQLite forgets an interrupt that comes
// while no statement runs when the next one begins, so it is told again and again.
//
// The driver keeps the handle to itself: it is read here by its name; where there is none any
// more, nothing is read.
func interruptOnDone(ctx context.Context, conn *sql.Conn) (stop func(), err error) {
	var handle uintptr
	err = conn.Raw(func(c any) error {
		field := reflect.Indirect(reflect.ValueOf(c)).FieldByName("db")
		if field.Kind() != reflect.Uintptr {
			return errors.New("the driver has no handle of SQLite")
		}
		handle = uintptr(field.Uint())
		return nil
	})
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		tls := libc.NewTLS() // not the connection’s, which is in use
		defer tls.Close()
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for {
			sqlite3.Xsqlite3_interrupt(tls, handle)
			select {
			case <-again.C:
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		watch.Wait()
	}, nil
}
