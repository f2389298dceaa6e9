package server

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// configCommands returns the sub-commands of CONFIG.
func configCommands() []command {
	return []command{
		{name: "get", arity: -3, flags: flagsOps, run: configGet},
		{name: "set", arity: -4, flags: flagsOps, run: configSet, steer: true},
		{name: "resetstat", arity: 2, flags: flagsOps, run: configResetStat},
		{name: "rewrite", arity: 2, flags: flagsOps, run: configRewrite, steer: true},
	}
}

func portText(port int) string { return strconv.Itoa(port) }

// configGet answers CONFIG GET pattern...: names and values, each name once. An alias is a name of its own.
func configGet(c *conn, args [][]byte) resp.Value {
	var pairs []resp.Value
	seen := map[string]bool{}
	cfg := c.srv.config()
	for _, d := range cfg.known.table {
		for _, name := range append([]string{d.name}, d.aliases...) {
			if shown, ok := matchName(name, args[2:]); ok && !seen[name] {
				seen[name] = true
				pairs = append(pairs, resp.BulkString(shown), resp.BulkString(c.srv.present(cfg, &d)))
			}
		}
	}
	return resp.MapOf(pairs...)
}

// matchName returns how a directive is to be called in the reply: as the client spelled it, when it did without wildcards.
func matchName(name string, patterns [][]byte) (string, bool) {
	for _, p := range patterns {
		switch {
		case strings.EqualFold(string(p), name):
			return string(p), true
		case store.Match(lower(string(p)), name):
			return name, true
		}
	}
	return "", false
}

// present returns a value as it is now. The role is the node's to know. Passwords are shown to clients of a server of its own, as by Redis; those of a program
// around us were not written for its clients, who may not even need one.
func (s *Server) present(cfg *Config, d *directive) string {
	switch {
	case d.kind == kindPrimary:
		return s.primaryText()
	case d.secret && !s.alone:
		return ""
	}
	return cfg.value(d.name)
}

// configSet answers CONFIG SET name value...: all of them or none. Values are parsed into a copy of the configuration, which is thrown away at the first
// mistake; readers never see half of a change.
func configSet(c *conn, args [][]byte) resp.Value {
	pairs := args[2:]
	if len(pairs)%2 != 0 {
		return resp.Err("ERR syntax error")
	}
	if bad := c.srv.checkNames(pairs); bad.Kind != 0 {
		return bad
	}
	err := c.srv.change(func(cfg *Config) error { return cfg.setPairs(pairs) })
	var failed *setError
	switch {
	case errors.As(err, &failed):
		return resp.Err(fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %v", failed.name, failed.err))
	case err != nil:
		return resp.Err("ERR " + err.Error())
	}
	return resp.OK()
}

// checkNames looks at all names before any value, as Redis does.
func (s *Server) checkNames(pairs [][]byte) resp.Value {
	for pair := range slices.Chunk(pairs, 2) {
		d, ok := s.config().known.lookup[lower(string(pair[0]))]
		switch {
		case !ok:
			return resp.Err("ERR Unknown option or number of arguments for CONFIG SET - '" + string(pair[0]) + "'")
		case !s.alone && !d.role:
			return notInside("CONFIG SET " + d.name)
		case d.promise && !strings.EqualFold(string(pair[1]), d.def):
			s.log.Warn("directive accepted, but not enforced", zap.String("directive", d.name))
		case d.unused:
			s.log.Info("directive accepted, without effect", zap.String("directive", d.name))
		case d.kind == kindEvents && strings.Contains(string(pair[1]), "m"):
			s.log.Info("class of events accepted, without effect", zap.String("class", "m, keymiss"))
		}
	}
	return resp.Value{}
}

// setError is a directive that CONFIG SET could not change.
type setError struct {
	name string
	err  error
}

func (e *setError) Error() string { return e.name + ": " + e.err.Error() }
func (e *setError) Unwrap() error { return e.err }

// setPairs sets names that are known to be directives.
func (c *Config) setPairs(pairs [][]byte) error {
	seen := map[string]bool{}
	ofTLS := "" // the first of those
	for pair := range slices.Chunk(pairs, 2) {
		name := string(pair[0])
		d := c.known.lookup[lower(name)]
		if err := c.setOne(&d, string(pair[1]), seen[d.name]); err != nil {
			return &setError{name, err}
		}
		seen[d.name] = true
		if d.tls && ofTLS == "" {
			ofTLS = name
		}
	}
	if ofTLS == "" {
		return nil
	}
	if err := c.LoadTLS(); err != nil {
		return &setError{ofTLS, err}
	}
	return nil
}

// setOne sets one directive. The order of the checks is Redis's, and shows in which mistake is reported.
func (c *Config) setOne(d *directive, text string, again bool) error {
	if d.fixed {
		return errors.New("can't set immutable config")
	}
	if again {
		return errors.New("duplicate parameter")
	}
	words := []string{text}
	if d.kind.wordy() {
		words = strings.Fields(text)
	}
	v, err := d.parse(words, c.value(d.name))
	if err != nil {
		return err
	}
	c.values[d.name] = v
	if d.unused {
		c.changed[d.name] = true
	}
	return nil
}

// configResetStat answers CONFIG RESETSTAT. Counters of the store and the node belong to others; what they show now becomes the zero that INFO counts from.
func configResetStat(c *conn, _ [][]byte) resp.Value {
	c.settle()
	c.srv.stats.reset()
	resetCommandStats(c.srv.commandStats)
	c.srv.resetBaseline()
	return resp.OK()
}

// configRewrite answers CONFIG REWRITE. Sentinel sends it after each change of role and ignores the error of a server without a file.
func configRewrite(c *conn, _ [][]byte) resp.Value {
	switch err := c.srv.rewrite(); {
	case errors.Is(err, errNoFile):
		return resp.Err("ERR " + err.Error())
	case err != nil:
		return resp.Err("ERR Rewriting config file: " + err.Error())
	}
	return resp.OK()
}
