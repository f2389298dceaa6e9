package server

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// told are the flags of COMMAND INFO that this server knows of.
const told = "write readonly admin pubsub fast no_auth no_multi blocking movablekeys"

// infoDiffers are the commands of which this server says otherwise: what cannot be queued it refuses by a flag; sharded channels are no keys, and patterns do
// not move the key of SORT_RO; ZRANK has the option of 7.2.
var infoDiffers = []string{"client|reply", "multi", "replconf", "sort_ro", "ssubscribe", "sunsubscribe", "watch", "zrank", "zrevrank"}

// TestCommandInfoAsRedis compares what COMMAND INFO and COMMAND DOCS say of each command and sub-command with what Redis 7.0 says, and the commands that
// COMMAND LIST finds in each category.
func TestCommandInfoAsRedis(t *testing.T) {
	addr := realserver.Start(t, realserver.R7, "--save", "").Addr()
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	redis := &client{t: t, raw: nc, r: resp.NewReader(nc, nil)}
	s := start(t, newFake(t))
	c := dial(t, s)
	names := c.value("COMMAND", "LIST").Elems
	compared := 0
	for _, name := range names {
		ours, theirs := infoOf(c, name.Str), infoOf(redis, name.Str)
		if theirs == "" {
			continue // younger than 7.0
		}
		if compared++; (ours != theirs) != slices.Contains(infoDiffers, name.Str) {
			t.Errorf("%s: %s, of Redis %s", name.Str, ours, theirs)
		}
	}
	if compared < len(names)-40 {
		t.Errorf("%d of %d commands are known to Redis", compared, len(names))
	}
	for category := range strings.FieldsSeq(categories) {
		ours, theirs := texts(c.value("COMMAND", "LIST", "FILTERBY", "ACLCAT", upper(category))), texts(redis.value("COMMAND", "LIST", "FILTERBY", "ACLCAT", upper(category)))
		theirs = slices.DeleteFunc(theirs, func(name string) bool { return !slices.Contains(texts(resp.ArrayOf(names...)), name) })
		ours = slices.DeleteFunc(ours, func(name string) bool { return infoOf(redis, name) == "" })
		if slices.Sort(theirs); !slices.Equal(ours, theirs) || len(ours) == 0 {
			t.Errorf("in category %s are %v, of Redis %v", category, ours, theirs)
		}
	}
}

// texts are the elements of a list.
func texts(v resp.Value) []string {
	list := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		list[i] = e.Str
	}
	return list
}

// infoOf is the arity, the places of the keys, the flags, the categories, key specifications and the group of a command; "" for one that does not exist.
func infoOf(c *client, name string) string {
	c.t.Helper()
	info := c.value("COMMAND", "INFO", name).Elems[0]
	if len(info.Elems) < 10 {
		return ""
	}
	words := texts(info.Elems[6])
	for _, f := range info.Elems[2].Elems {
		if slices.Contains(strings.Fields(told), f.Str) {
			words = append(words, f.Str)
		}
	}
	slices.Sort(words)
	docs := c.value("COMMAND", "DOCS", name).Elems[1].Elems
	for i := 0; i < len(docs); i += 2 {
		if docs[i].Str == "group" {
			words = append(words, docs[i+1].Str)
		}
	}
	for _, i := range []int{1, 3, 4, 5} {
		words = append(words, info.Elems[i].String())
	}
	for _, spec := range info.Elems[8].Elems {
		parts := spec.Elems
		if parts[0].Str == "notes" {
			parts = parts[2:]
		}
		words = append(words, resp.ArrayOf(parts...).String())
	}
	return strings.Join(words, " ")
}

// TestCommandDescriptions: the forms of COMMAND's replies, those of sub-commands among them.
func TestCommandDescriptions(t *testing.T) {
	c := dial(t, start(t, newFake(t)))
	for _, tt := range []struct{ line, want string }{
		{"COMMAND INFO get no get|x config|no", `[["get" 2 [readonly fast] 1 1 1 [@read @string @fast] [] [["flags" [RO access] "begin_search" ` +
			`["type" "index" "spec" ["index" 1]] "find_keys" ["type" "range" "spec" ["lastkey" 0 "keystep" 1 "limit" 0]]]] []] (nil) (nil) (nil)]`},
		{"COMMAND INFO Config|Get", `[["config|get" -3 [admin loading stale] 0 0 0 [@admin @slow @dangerous] [] [] []]]`},
		{"COMMAND INFO MEMORY", `[["memory" -2 [] 0 0 0 [@slow] [] [] [["memory|help" 2 [loading stale] 0 0 0 [@slow] [] [] []] ` +
			`["memory|purge" 2 [] 0 0 0 [@slow] [] [] []] ["memory|usage" -3 [readonly] 2 2 1 [@read @slow] [] [["flags" [RO] "begin_search" ["type" "index" "spec" ["index" 2]] "find_keys" ` +
			`["type" "range" "spec" ["lastkey" 0 "keystep" 1 "limit" 0]]]] []]]]]`},
		{"COMMAND INFO wait", `[["wait" 3 [] 0 0 0 [@slow @connection] [] [] []]]`},
		{"COMMAND INFO rename", `[["rename" 3 [write] 1 2 1 [@keyspace @write @slow] [] [` +
			`["flags" [RW access delete] "begin_search" ["type" "index" "spec" ["index" 1]] "find_keys" ["type" "range" "spec" ["lastkey" 0 "keystep" 1 "limit" 0]]] ` +
			`["flags" [OW update] "begin_search" ["type" "index" "spec" ["index" 2]] "find_keys" ["type" "range" "spec" ["lastkey" 0 "keystep" 1 "limit" 0]]]] []]]`},
		{"COMMAND INFO pubsub|numpat", `[["pubsub|numpat" 2 [pubsub loading stale] 0 0 0 [@pubsub @slow] [] [] []]]`},
		{"COMMAND INFO acl", `[["acl" -2 [] 0 0 0 [@slow] [] [] [["acl|whoami" 2 [loading stale] 0 0 0 [@slow] [] [] []] ["acl|help" 2 [loading stale] 0 0 0 [@slow] [] [] []]]]]`},
		{"COMMAND DOCS slowlog|len no get slowlog|no", `["slowlog|len" ["summary" "" "group" "server"] "get" ["summary" "" "group" "string"]]`},
		{"COMMAND DOCS memory", `["memory" ["summary" "" "group" "server" "subcommands" ["memory|help" ["summary" "" "group" "server"] ` +
			`"memory|purge" ["summary" "" "group" "server"] "memory|usage" ["summary" "" "group" "server"]]]]`},
		{"COMMAND LIST FILTERBY PATTERN SLOW*", `["slowlog" "slowlog|get" "slowlog|help" "slowlog|len" "slowlog|reset"]`},
		{"COMMAND LIST FILTERBY PATTERN slow*|[l]*", `["slowlog|len"]`},
		{"COMMAND LIST FILTERBY ACLCAT Transaction", `["discard" "exec" "multi" "unwatch" "watch"]`},
		{"COMMAND LIST FILTERBY ACLCAT blocking", `["blmove" "blmpop" "blpop" "brpop" "brpoplpush" "bzmpop" "bzpopmax" "bzpopmin" "xread" "xreadgroup"]`},
		{"COMMAND LIST FILTERBY ACLCAT pubsub", `["psubscribe" "publish" "pubsub|channels" "pubsub|numpat" "pubsub|numsub" "pubsub|shardchannels" "pubsub|shardnumsub" ` +
			`"punsubscribe" "spublish" "ssubscribe" "subscribe" "sunsubscribe" "unsubscribe"]`},
		{"COMMAND LIST FILTERBY ACLCAT nosuch", "[]"},
		{"COMMAND LIST FILTERBY MODULE x", "[]"},
		{"COMMAND LIST FILTERBY ACLCAT", "-ERR syntax error"},
		{"COMMAND LIST FILTERBY GROUP string", "-ERR syntax error"},
	} {
		c.says(tt.want, strings.Fields(tt.line)...)
	}
	if top, all := c.value("COMMAND", "COUNT").Int, len(c.value("COMMAND", "LIST").Elems); top != int64(len(c.value("COMMAND").Elems)) || all < int(top)+40 {
		t.Errorf("COMMAND COUNT is %d, COMMAND LIST has %d", top, all)
	}
}

// TestKeySpecs: what the specifications of a command say of its keys is where COMMAND GETKEYS finds them.
func TestKeySpecs(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"RENAME a b", "1 2"},
		{"COPY a b DB 3", "1 2"},
		{"MSET a 1 b 2", "1 3"},
		{"DEL a b c", "1 2 3"},
		{"BLPOP a b 0", "1 2"},
		{"SDIFFSTORE a b c", "1 2 3"},
		{"LMPOP 2 a b LEFT", "2 3"},
		{"BLMPOP 0 1 a LEFT", "3"},
		{"ZUNIONSTORE d 2 a b WEIGHTS 1 2", "1 3 4"},
		{"SORT a STORE b", "1"}, // and what is unknown
		{"PING", ""},
	} {
		words := strings.Fields(tt.line)
		s := start(t, newFake(t))
		d, _ := s.describe(lower(words[0]))
		var at []string
		for _, spec := range d.specs {
			for _, i := range foundBy(spec, words) {
				at = append(at, strconv.Itoa(i))
			}
		}
		if got := strings.Join(at, " "); got != tt.want {
			t.Errorf("%s: keys at %s, want %s", tt.line, got, tt.want)
		}
	}
}

// foundBy follows a key specification as a client does.
func foundBy(spec resp.Value, words []string) (at []int) {
	find := func(part int, name string) resp.Value {
		list := spec.Elems[part].Elems[3].Elems
		for i := 0; i < len(list); i += 2 {
			if list[i].Str == name {
				return list[i+1]
			}
		}
		return resp.Value{}
	}
	begin := int(find(3, "index").Int)
	switch spec.Elems[5].Elems[1].Str {
	case "range":
		last := begin + int(find(5, "lastkey").Int)
		if last < begin {
			last += len(words) - begin
		}
		for i := begin; i <= last; i += int(find(5, "keystep").Int) {
			at = append(at, i)
		}
	case "keynum":
		n, _ := strconv.Atoi(words[begin+int(find(5, "keynumidx").Int)])
		for i := range n {
			at = append(at, begin+int(find(5, "firstkey").Int)+i)
		}
	}
	return at
}

// TestStoreSubcommands: the sub-commands listed for the store's families are the ones that the store knows, with that arity.
func TestStoreSubcommands(t *testing.T) {
	c := dial(t, start(t, newFake(t)))
	c.want("OK", "SET", "k", "v")
	for _, family := range []string{"object", "memory", "xinfo"} {
		for _, sub := range storeSubcommands(family) {
			args := []string{family, sub.name, "k", "SAMPLES", "1"}
			n := max(sub.arity, -sub.arity)
			if got := c.do(args[:n-1]...); !strings.HasPrefix(got, "-ERR wrong number of arguments for '") {
				t.Errorf("%s %s without its last argument = %s", family, sub.name, got)
			}
			if got := c.do(args[:n]...); strings.Contains(got, "unknown subcommand") || strings.Contains(got, "wrong number") {
				t.Errorf("%s %s = %s", family, sub.name, got)
			}
		}
		if help := len(c.value(family, "HELP").Elems); help < len(storeSubcommands(family)) {
			t.Errorf("%s HELP has %d lines", family, help)
		}
	}
}
