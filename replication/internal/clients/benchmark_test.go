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
	output, code, rates := runBenchmark(t, v, n, args...)
	if code != 0 || rates != tests || strings.Contains(strings.ToLower(output), "error") {
		t.Errorf("redis-benchmark %s: code %d, %d rates, want %d:\n%s", strings.Join(args, " "), code, rates, tests, output)
	}
}

// runBenchmark runs it to its end and counts the tests of which it tells a rate.
func runBenchmark(t *testing.T, v realserver.Version, n *node, args ...string) (output string, code, rates int) {
	t.Helper()
	output, code = realserver.Run(t, realserver.Tool(t, v, "benchmark"), "", append([]string{"-h", "127.0.0.1", "-p", n.port(t), "-q"}, args...)...)
	// Progress is written over itself with carriage returns; what stays is one line a test. A few requests within its millisecond have an infinite rate.
	lines := regexp.MustCompile(`(?m)^[A-Z_]+[^:\r\n]*: ([1-9][0-9.]*|inf) requests per second`).FindAllString(strings.ReplaceAll(output, "\r", "\n"), -1)
	return output, code, len(lines)
}

// defaultTests is how many rates the default tests tell: ping twice, a list to be read, four ranges of it, and the rest once each.
const defaultTests = 20

// benchmarkDefaults runs the tests that it runs by itself. That of Redis 8 adds one of streams.
func benchmarkDefaults(t *testing.T, v realserver.Version, n *node, args ...string) {
	t.Helper()
	tests := defaultTests
	if v != realserver.R7 {
		tests++
	}
	benchmark(t, v, n, tests, args...)
}

// Every test that it runs when it is told nothing, and what they leave behind: what was pushed but for what was popped.
func TestBenchmarkDefaults(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		for _, tc := range []struct {
			flags    string
			requests int
		}{{"-P 16", 3200}, {"-3 -P 16 -d 100", 800}, {"", 500}} {
			n := startNodeTCP(t)
			requests := fmt.Sprint(tc.requests)
			benchmarkDefaults(t, v, n, append([]string{"-n", requests}, strings.Fields(tc.flags)...)...)
			c := n.conn(t)
			want(t, c, requests, "GET", "counter:__rand_int__")
			want(t, c, int64(tc.requests), "LLEN", "mylist")
			want(t, c, int64(1), "HLEN", "myhash")
			want(t, c, int64(0), "EXISTS", "myset", "myzset")
			want(t, c, int64(4)+c.Do("EXISTS", "mystream").(int64), "DBSIZE") // and the key of SET and MSET
		}
	})
}

// The same under replication, with keys and members at random: a Redis that follows us, and a node of ours that follows that, have the same data.
func TestBenchmarkFollowed(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		want(t, c, "OK", "SET", "first", "v")
		s := realserver.Start(t, v, "--replicaof", "127.0.0.1 "+n.port(t))
		last := startNodeTCP(t, "--replicaof", "127.0.0.1 "+s.Port())
		realserver.Await(t, patience, func() bool { return last.conn(t).Do("GET", "first") == "v" }, "the chain is up")
		benchmarkDefaults(t, v, n, "-n", "3200", "-P", "16", "-r", "500")
		// The tests that pop have left little of some types.
		benchmark(t, v, n, 5, "-n", "3200", "-P", "16", "-r", "500", "-t", "sadd,zadd,hset,rpush,lpop")
		for _, key := range []string{"mylist", "myset", "myzset", "myhash"} {
			want(t, c, int64(1), "EXISTS", key)
		}
		realserver.AwaitEqual(t, patience, c, s)
		realserver.AwaitEqual(t, patience, c, last.conn(t))
		digest := c.Do("DEBUG", "DIGEST")
		want(t, s, digest, "DEBUG", "DIGEST")
		want(t, last.conn(t), digest, "DEBUG", "DIGEST")
	})
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
