package sentinel

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

const (
	// downAfter is how long a primary must be silent before a Sentinel takes it for dead: longer than a busy machine lets a healthy one wait.
	downAfter = 2500 * time.Millisecond

	// failoverTimeout bounds an attempt. One that fails, as an election without a majority does, is followed by the next after twice this time.
	failoverTimeout = 4 * time.Second

	// configured is when a replica is promoted at the latest: detection, an attempt, and, should Sentinels have voted for one another, two further ones.
	configured = downAfter + 7*failoverTimeout
)

// sentinels are three real ones, of which two must agree.
type sentinels struct {
	t   *testing.T
	all []*realserver.Server
}

// watch starts them. They are told of the primary alone and find the rest, and one another, themselves.
//
// What they do on a clock of seconds they are made to do in fractions of it. A machine that stops for moments must not make them stand aside for half a minute,
// which is their answer to a clock that jumps.
func watch(t *testing.T, program string, primary *member, password string) *sentinels {
	t.Helper()
	s := &sentinels{t: t}
	lines := fmt.Sprintf("sentinel monitor group 127.0.0.1 %s 2\nsentinel down-after-milliseconds group %d\nsentinel failover-timeout group %d\n",
		primary.Port(), downAfter.Milliseconds(), failoverTimeout.Milliseconds())
	if password != "" {
		lines += "sentinel auth-pass group " + password + "\n"
	}
	for range 3 {
		one := realserver.StartFile(t, program, lines, "--sentinel")
		if got := one.Do("SENTINEL", "DEBUG", "INFO-PERIOD", "1000", "PUBLISH-PERIOD", "500", "ASK-PERIOD", "200", "TILT-TRIGGER", "3600000"); got != "OK" {
			t.Fatalf("SENTINEL DEBUG = %v", got)
		}
		s.all = append(s.all, one)
	}
	return s
}

// named is the address that one of them gives to clients, "" while it gives none. It is for the writers, each on a Sentinel of its own choice.
func (s *sentinels) named(i int) string {
	list, ok := s.all[i%len(s.all)].Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "group").([]any)
	if !ok || len(list) != 2 {
		return ""
	}
	return net.JoinHostPort(fmt.Sprint(list[0]), fmt.Sprint(list[1]))
}

// agree tells whether all of them name the same primary.
func (s *sentinels) agree(on *member) bool {
	for i := range s.all {
		if s.named(i) != on.Addr() {
			return false
		}
	}
	return true
}

// content tells whether all of them see what is there: the primary, each replica in order, and one another.
func (s *sentinels) content(primary *member, replicas ...*member) bool {
	for _, one := range s.all {
		if !sees(one, primary, replicas) {
			return false
		}
	}
	return true
}

func sees(one *realserver.Server, primary *member, replicas []*member) bool {
	top := fields(one.Do("SENTINEL", "MASTER", "group"))
	if top["flags"] != "master" || top["port"] != primary.Port() || top["num-slaves"] != strconv.Itoa(len(replicas)) || top["num-other-sentinels"] != "2" {
		return false
	}
	list, _ := one.Do("SENTINEL", "REPLICAS", "group").([]any)
	seen := map[string]bool{}
	for _, entry := range list {
		f := fields(entry)
		seen[f["port"]] = f["flags"] == "slave" && f["master-link-status"] == "ok" && f["master-port"] == primary.Port()
	}
	for _, r := range replicas {
		if !seen[r.Port()] {
			return false
		}
	}
	return true
}

// failover asks the first Sentinel for a failover, unless it is at one, or has brought it to its end. It may give one up for want of fresh news of the replicas; an
// operator asks again then.
func (s *sentinels) failover(to *member) {
	top := fields(s.all[0].Do("SENTINEL", "MASTER", "group"))
	if top["flags"] == "master" && top["port"] != to.Port() {
		s.all[0].Do("SENTINEL", "FAILOVER", "group") // a refusal shows in that nothing happens
	}
}

// fields reads a reply of names and values.
func fields(v any) map[string]string {
	list, _ := v.([]any)
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[fmt.Sprint(list[i])] = fmt.Sprint(list[i+1])
	}
	return out
}

// kill ends them, so that nobody changes a role any more.
func (s *sentinels) kill() {
	for _, one := range s.all {
		one.Kill()
	}
}
