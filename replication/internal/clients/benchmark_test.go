package clients

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// benchmark runs redis-benchmark against n and fails the test unless it ends well and tells a rate for each of its tests.
func benchmark(t *testing.T, v realserver.Version, n *node, tests int, args ...string) {
	t.Helper()
	output, code := realserver.Run(t, realserver.Tool(t, v, "benchmark"), "", append([]string{"-h", "127.0.0.1", "-p", n.port(t), "-q"}, args...)...)
	// Progress is written over itself with carriage returns; what stays is one line a test.
	rates := regexp.MustCompile(`(?m)^[A-Z_]+[^:\r\n]*: [1-9][0-9.]* requests per second`).FindAllString(strings.ReplaceAll(output, "\r", "\n"), -1)
	if code != 0 || len(rates) != tests || strings.Contains(strings.ToLower(output), "error") {
		t.Errorf("redis-benchmark %s: code %d, %d rates, want %d:\n%s", strings.Join(args, " "), code, len(rates), tests, output)
	}
}

// Many connections at once, one command at a time or many in flight, in both protocols. The counter tells that each command ran once.
func TestBenchmark(t *testing.T) {
	const requests = 20_000
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		for i, flags := range []string{"-P 16", "-3 -P 16", "-c 10 -P 100 -r 1000"} {
			n := startNodeTCP(t)
			args := append([]string{"-t", "ping,set,get,incr,mset,hset", "-n", fmt.Sprint(requests)}, strings.Fields(flags)...)
			benchmark(t, v, n, 7, args...) // ping is two tests
			c := n.conn(t)
			if i == 2 {
				if total := countsTogether(t, c); total != requests {
					t.Errorf("%s: the counters say %d in all, want %d", flags, total, requests)
				}
				continue
			}
			want(t, c, fmt.Sprint(requests), "GET", "counter:__rand_int__")
			want(t, c, "string", "TYPE", "key:__rand_int__")
			want(t, c, int64(1), "HLEN", "myhash")
			want(t, c, int64(3), "DBSIZE")
		}
	})
}

// countsTogether adds up the counters that -r spread the increments over.
func countsTogether(t *testing.T, d realserver.Doer) (total int) {
	t.Helper()
	data, err := realserver.Dump(d)
	if err != nil {
		t.Fatal(err)
	}
	counters := 0
	for k, e := range data {
		if strings.HasPrefix(k.Name, "counter:") {
			n := 0
			fmt.Sscan(e.Value, &n)
			total += n
			counters++
		}
	}
	if counters != 1000 {
		t.Errorf("%d counters, want 1000", counters)
	}
	return total
}

// One command at a time, a round trip each, with connections that come and go: fewer, for the sake of time.
func TestBenchmarkConnections(t *testing.T) {
	const requests = 2000
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t, "--requirepass", "secret")
		benchmark(t, v, n, 3, "-t", "set,get,incr", "-n", fmt.Sprint(requests), "-k", "0", "-c", "5", "-a", "secret")
		benchmark(t, v, n, 3, "-t", "set,get,incr", "-n", fmt.Sprint(requests), "-k", "1", "-a", "secret", "--dbnum", "4")
		c := n.conn(t)
		want(t, c, "OK", "AUTH", "secret")
		for _, db := range []string{"0", "4"} {
			want(t, c, "OK", "SELECT", db)
			want(t, c, fmt.Sprint(requests), "GET", "counter:__rand_int__")
		}
	})
}
