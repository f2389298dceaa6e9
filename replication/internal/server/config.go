package server

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/understudy-go/understudy/store"
)

// Config is a complete set of directives. It is immutable once the server runs: a change makes a new one.
type Config struct {
	known  *directives
	values map[string]string // by main name, in the form of kinds.go; absent = default
	file   string            // absolute path of the configuration file, "" = none

	// changed holds the directives without effect that a client has set since: those of the file stay in it as they are written, which may be several lines.
	changed map[string]bool

	// What the directives of TLS come to, see tls.go. Files are read when the server starts and when one of the directives is set, also to what it was.
	tls *tlsConfigs
}

// NewConfig returns the defaults: those of Redis 7.0, in the working directory.
func NewConfig() *Config {
	c := &Config{known: newDirectives(), values: map[string]string{}, changed: map[string]bool{}}
	// Without a working directory the relative path is as good as any: the first save will tell.
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	c.values["dir"] = dir
	return c
}

// clone returns a copy that may be changed. The table of directives is shared.
func (c *Config) clone() *Config {
	return &Config{known: c.known, values: maps.Clone(c.values), file: c.file, changed: maps.Clone(c.changed), tls: c.tls}
}

// value returns the text of a directive by its main name.
func (c *Config) value(name string) string {
	if v, ok := c.values[name]; ok {
		return v
	}
	return c.known.lookup[name].def
}

// Text returns the value of a directive, "" for one that does not exist. Name is the main name, in lower case.
func (c *Config) Text(name string) string { return c.value(name) }

// Int returns a number: of kindInt, or kindMemory in bytes. The form was checked when the value was set.
func (c *Config) Int(name string) int64 {
	n, _ := strconv.ParseInt(c.value(name), 10, 64)
	return n
}

// Bool reports whether the value is yes.
func (c *Config) Bool(name string) bool { return c.value(name) == "yes" }

// Seconds returns a number of seconds as a duration.
func (c *Config) Seconds(name string) time.Duration {
	return time.Duration(min(c.Int(name), int64(maxDelay/time.Second))) * time.Second
}

// Words returns a list.
func (c *Config) Words(name string) []string { return strings.Fields(c.value(name)) }

// File returns the absolute path of the configuration file, "" when there is none.
func (c *Config) File() string { return c.file }

// Path returns where the data set is saved.
func (c *Config) Path() string {
	return c.value("dir") + string(os.PathSeparator) + c.value("dbfilename")
}

// Primary returns the host and port of replicaof, "" and 0 on a primary.
func (c *Config) Primary() (string, int) {
	words := c.Words("replicaof")
	if len(words) != 2 {
		return "", 0
	}
	port, _ := strconv.Atoi(words[1])
	return words[0], port
}

// outputLimit returns the hard limit of a class of client-output-buffer-limit, in bytes, 0 = none.
func (c *Config) outputLimit(class int) int64 {
	n, _ := strconv.ParseInt(c.Words("client-output-buffer-limit")[4*class+1], 10, 64)
	return n
}

// softLimit returns the soft limit of a class.
func (c *Config) softLimit(class int) softLimit {
	words := c.Words("client-output-buffer-limit")[4*class:]
	n, _ := strconv.ParseInt(words[2], 10, 64)
	seconds, _ := strconv.ParseInt(words[3], 10, 64)
	return softLimit{bytes: n, after: time.Duration(seconds) * time.Second}
}

// pubsubLimit returns that of subscribers, in the form of store.SubscriberOptions.
func (c *Config) pubsubLimit() int64 {
	if n := c.outputLimit(classPubsub); n > 0 {
		return n
	}
	return -1
}

// slowerThan returns slowlog-log-slower-than, -1 for "log nothing".
func (c *Config) slowerThan() time.Duration {
	n := c.Int("slowlog-log-slower-than")
	if n < 0 {
		return -1
	}
	return time.Duration(min(n, int64(maxDelay/time.Microsecond))) * time.Microsecond
}

// latencyFrom returns latency-monitor-threshold, 0 for "record nothing".
func (c *Config) latencyFrom() time.Duration {
	return time.Duration(min(c.Int("latency-monitor-threshold"), int64(maxDelay/time.Millisecond))) * time.Millisecond
}

// memoryLimit returns maxmemory with the directives about what makes room.
func (c *Config) memoryLimit() store.MemoryLimit {
	policy, _ := store.ParseEvictionPolicy(c.Text("maxmemory-policy")) // checked when it was set
	limit := store.MemoryLimit{
		Bytes: c.Int("maxmemory"), Policy: policy, Samples: int(min(c.Int("maxmemory-samples"), 64)),
		LFULogFactor: int(c.Int("lfu-log-factor")), LFUDecay: time.Duration(c.Int("lfu-decay-time")) * time.Minute,
	}
	if limit.LFULogFactor == 0 {
		limit.LFULogFactor = -1
	}
	if limit.LFUDecay == 0 {
		limit.LFUDecay = -1
	}
	return limit
}

// savePoint says: save when so many changes are so old.
type savePoint struct {
	after   time.Duration
	changes int64
}

func (c *Config) savePoints() []savePoint {
	var points []savePoint
	for pair := range slices.Chunk(c.Words("save"), 2) {
		seconds, _ := strconv.ParseInt(pair[0], 10, 64)
		changes, _ := strconv.ParseInt(pair[1], 10, 64)
		points = append(points, savePoint{time.Duration(seconds) * time.Second, changes})
	}
	return points
}

// Unused returns the names of the directives that were set and have no effect here, sorted: those that only tune, and those that promise what is not kept.
// Values are not told: that of user has a password in it.
func (c *Config) Unused() (quiet, broken []string) {
	for name, value := range c.values {
		switch d := c.known.lookup[name]; {
		case d.promise && value != d.def:
			broken = append(broken, name)
		case d.unused:
			quiet = append(quiet, name)
		}
	}
	slices.Sort(quiet)
	slices.Sort(broken)
	return quiet, broken
}

// set parses words for the directive called name and keeps the result. Seen holds the directives that this source (a file with the flags after it) has set
// already: the first save of a source replaces the defaults, the next ones add to it.
func (c *Config) set(name string, words []string, seen map[string]bool) error {
	d, ok := c.known.lookup[strings.ToLower(name)]
	if !ok {
		return fmt.Errorf("no such directive")
	}
	if d.kind.wordy() {
		words = splitWords(words)
	}
	v, err := d.parse(words, c.value(d.name))
	if err != nil {
		return err
	}
	if d.kind == kindSave && seen[d.name] && v != "" {
		v = strings.TrimSpace(c.value(d.name) + " " + v)
	}
	c.values[d.name], seen[d.name] = v, true
	return nil
}

// splitWords takes words apart at the spaces inside them, as in "--replicaof" "127.0.0.1 6379".
func splitWords(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, strings.Fields(w)...)
	}
	return out
}
