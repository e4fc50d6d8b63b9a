package origin

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"sync"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// interruptOnDone has what a connection is doing end when ctx does, until stop is called.
//
// The driver does so only for the first row of a query: a statement that finds one at once,
// and then looks for another for hours, would go on. It keeps the handle to itself, so that
// it is read here by its name; where there is none any more, nothing is read.
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
			tls := libc.NewTLS() // not the connection’s, which is in use
			defer tls.Close()
			sqlite3.Xsqlite3_interrupt(tls, handle)
		case <-ended:
		}
	})
	return func() {
		close(ended)
		watch.Wait()
	}, nil
}
