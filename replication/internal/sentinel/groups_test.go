package sentinel

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// TestGroups runs the groups of all tables, as many at a time as tests may: mostly, somebody waits for a clock.
func TestGroups(t *testing.T) {
	p := findPrograms(t)
	for _, o := range chainOrders {
		if o.always || everything() {
			t.Run("chain/"+o.String(), func(t *testing.T) {
				t.Parallel()
				newChain(t, p, o.kinds).story(o.saved)
			})
		}
	}
	for _, o := range walkOrders {
		if o.always || everything() {
			t.Run("walk/"+o.String(), func(t *testing.T) {
				t.Parallel()
				newChain(t, p, o.kinds).walk()
			})
		}
	}
	for _, g := range sentinelGroups {
		if g.always || everything() {
			t.Run("sentinel/"+g.String(), func(t *testing.T) {
				t.Parallel()
				failover(t, p, g)
			})
		}
	}
}

// everything asks for all groups, not only for those of each test run.
func everything() bool { return os.Getenv("UNDERSTUDY_CHAOS") != "" }

// programs are the paths of the servers.
type programs map[kind]string

// findPrograms builds ours and finds the others, or skips the test.
func findPrograms(t *testing.T) programs {
	t.Helper()
	p := programs{r7: realserver.Tool(t, realserver.R7, "server"), r8: realserver.Tool(t, realserver.R8, "server")}
	p[ours] = filepath.Join(t.TempDir(), "node")
	if out, err := exec.Command("go", "build", "-o", p[ours], "../../../examples/node").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return p
}
