package origin

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	stdsync "sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A server of Postgres for the tests, on a loopback port and in a directory of
// its own, which ends with them. Each test has a database in it.

var cluster struct {
	stdsync.Once
	server *exec.Cmd
	dir    string
	port   int
	err    error
	log    bytes.Buffer
	made   int
}

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster.server != nil {
		_ = cluster.server.Process.Signal(syscall.SIGQUIT) // at once: nothing of it is kept
		_ = cluster.server.Wait()
	}
	_ = os.RemoveAll(cluster.dir)
	os.Exit(code)
}

// startCluster makes and starts a server.
func startCluster() (err error) {
	initdb, postgres := program("initdb"), program("postgres")
	if initdb == "" || postgres == "" {
		return fmt.Errorf("no Postgres found: install it, or set POSTGRES to the folder of its programs (make setup does)")
	}
	if cluster.dir, err = os.MkdirTemp("", "stowage-postgres-"); err != nil {
		return err
	}
	if cluster.port, err = freePort(); err != nil {
		return err
	}
	data := filepath.Join(cluster.dir, "data")
	initialise := exec.Command(initdb, "-D", data, "-U", "tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if err := asSomebody(initialise); err != nil {
		return err
	}
	if out, err := initialise.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := exec.Command(postgres, "-D", data, "-p", strconv.Itoa(cluster.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "autovacuum=off")
	server.Stdout, server.Stderr = &cluster.log, &cluster.log
	if err := asSomebody(server); err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	cluster.server = server
	return ready()
}

// program finds a program of Postgres. Debian keeps them apart from others.
func program(name string) string {
	places, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for i := len(places) - 1; i >= -1; i-- {
		path := filepath.Join(os.Getenv("POSTGRES"), name)
		if i >= 0 {
			path = filepath.Join(places[i], name)
		} else if os.Getenv("POSTGRES") == "" {
			path = name
		}
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	return ""
}

// asSomebody makes a command run as an ordinary user: Postgres refuses root.
func asSomebody(cmd *exec.Cmd) error {
	cmd.Dir = cluster.dir
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(nobody.Uid) // numbers, on systems that have root
	gid, _ := strconv.Atoi(nobody.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return os.Chown(cluster.dir, uid, gid)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// ready waits until the server answers.
func ready() error {
	var err error
	for range 600 {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(context.Background(), clusterURL("postgres")); err == nil {
			return conn.Close(context.Background())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("Postgres does not answer: %w\n%s", err, cluster.log.Bytes())
}

func clusterURL(database string) string {
	return fmt.Sprintf("postgres://tester@127.0.0.1:%d/%s?sslmode=disable", cluster.port, database)
}

type postgresDatabase struct {
	url  string
	conn *pgx.Conn
}

func newPostgres(t *testing.T) *postgresDatabase {
	t.Helper()
	cluster.Do(func() { cluster.err = startCluster() })
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, clusterURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	cluster.made++
	name := "atlas" + strconv.Itoa(cluster.made)
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, clusterURL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	return &postgresDatabase{clusterURL(name), conn}
}

func (d *postgresDatabase) open(t *testing.T) Source {
	t.Helper()
	source, err := OpenPostgres(context.Background(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func (d *postgresDatabase) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := d.conn.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
