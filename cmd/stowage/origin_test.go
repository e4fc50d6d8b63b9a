package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"
)

// entrypoint is the command line of the container, and what is said of its health there.
var entrypoint, healthcheck = regexp.MustCompile(`(?m)^ENTRYPOINT \[(.*)\]$`), regexp.MustCompile(`(?m)^HEALTHCHECK .* CMD \[(.*)\]$`)

// TestContainer runs what sync/origin/Containerfile does, on another port and with the
// sidecar elsewhere.
func TestContainer(t *testing.T) {
	s := newShell(t)
	text, err := os.ReadFile("../../sync/origin/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "atlas.sqlite")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE cities (id integer PRIMARY KEY, name text); INSERT INTO cities VALUES (1, 'Oslo')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}

	serve := words(t, entrypoint, string(text))
	serve = append(serve, "--address", "127.0.0.1:0", "--sidecar", filepath.Join(s.dir, "sidecar"), file, "-t", "cities")
	cmd := exec.Command(binary, serve[1:]...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(line, "serving http://"), "/v1/shape\n")
	asks := strings.Join(append(words(t, healthcheck, string(text))[1:], "--address", address), " ")
	s.run("", asks)
	waiting := waitLive(t, "http://"+address)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range cap(waiting) {
		if told := <-waiting; !strings.Contains(told, "up-to-date") {
			t.Errorf("who waited is told %q", told)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if _, problem, code := s.try("", strings.Fields(asks)...); code == 0 || !strings.Contains(problem, "ask an origin") {
		t.Errorf("an origin that has ended: exit %d, %s", code, problem)
	}
}

// waitLive follows a shape with a long poll and by events, and returns what both are told
// in the end, once the origin has them wait.
func waitLive(t *testing.T, origin string) <-chan string {
	t.Helper()
	now, err := http.Get(origin + "/v1/shape?table=cities&offset=now")
	if err != nil {
		t.Fatal(err)
	}
	now.Body.Close()
	live := origin + "/v1/shape?table=cities&live=true&handle=" + now.Header.Get("electric-handle") + "&offset=" + now.Header.Get("electric-offset")
	told := make(chan string, 2)
	for _, url := range []string{live, live + "&live_sse=true"} {
		go func() {
			response, err := http.Get(url)
			if err != nil {
				told <- err.Error()
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			told <- fmt.Sprint(string(body), err)
		}()
	}
	for {
		metrics, err := http.Get(origin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(metrics.Body)
		metrics.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "live_requests 2\n") {
			return told
		}
	}
}

// words are those of a line of the file.
func words(t *testing.T, line *regexp.Regexp, text string) []string {
	t.Helper()
	found := line.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s", line)
	}
	list := strings.Split(found[1], ", ")
	for i := range list {
		list[i] = strings.Trim(list[i], `"`)
	}
	return list
}
