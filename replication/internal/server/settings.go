package server

import (
	"net"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/store"
)

// tuning is what connections look up for each batch. A change of the configuration publishes a new one; nobody changes one in place.
type tuning struct {
	config      *Config
	password    string // requirepass
	protected   bool
	maxClients  int64
	maxBulk     int
	idle        time.Duration // 0 = none
	queryLimit  int64         // of one command, in bytes
	outputLimit int64         // of normal clients, in bytes, 0 = none
	pubsubLimit int64         // of messages queued for a subscriber, in bytes, -1 = none
	outputSoft  softLimit     // of normal clients
	pubsubSoft  softLimit     // of subscribers
	slowerThan  time.Duration // which commands the slow log takes, -1 = none
	slowEntries int64         // of the slow log
	latencyFrom time.Duration // which commands LATENCY takes, 0 = none
	savePoints  []savePoint
}

// apply makes cfg the configuration, of the node too. cfg must not be changed any more. Callers hold configMu, except New.
func (s *Server) apply(cfg *Config) {
	var before *Config
	if t := s.tuning.Load(); t != nil {
		before = t.config
	}
	s.publish(cfg)
	s.limitMemory(before, cfg)
	if s.level != nil {
		s.level(cfg.Text("loglevel"))
	}
	events, _ := store.ParseEvents(cfg.Text("notify-keyspace-events")) // checked when it was set
	s.store.SetEvents(events)
	set := cfg.Settings()
	if !s.alone {
		set.SpoolDir = "" // the program's folder is not a matter of directives
	}
	s.node.Configure(set)
	s.limitQueues()
}

// limitMemory lets the limit of cfg hold, if it is another than that of the configuration before: a program that the server is a part of may have set one since.
func (s *Server) limitMemory(before, cfg *Config) {
	limit := cfg.memoryLimit()
	if before != nil && before.memoryLimit() == limit {
		return
	}
	if used := s.store.Stats().Bytes; limit.Bytes > 0 && used > limit.Bytes {
		s.log.Warn("data exceeds maxmemory", zap.Int64("bytes", used), zap.Int64("limit", limit.Bytes), zap.Stringer("policy", limit.Policy))
	}
	if err := s.store.SetMemoryLimit(limit); err != nil {
		s.log.Warn("memory limit not set", zap.Error(err))
	}
}

// limitQueues lets a changed limit hold for those who are subscribed already.
func (s *Server) limitQueues() {
	limit := s.tuning.Load().pubsubLimit
	for _, c := range s.clients() {
		c.mu.Lock()
		if c.sub != nil {
			c.sub.SetQueueBytes(limit)
		}
		c.mu.Unlock()
	}
}

// publish makes cfg the configuration of the server alone.
func (s *Server) publish(cfg *Config) {
	s.tuning.Store(&tuning{
		config:      cfg,
		password:    cfg.Text("requirepass"),
		protected:   cfg.Bool("protected-mode"),
		maxClients:  cfg.Int("maxclients"),
		maxBulk:     int(min(cfg.Int("proto-max-bulk-len"), 1<<31-1)),
		idle:        cfg.Seconds("timeout"),
		queryLimit:  cfg.Int("client-query-buffer-limit"),
		outputLimit: cfg.outputLimit(classNormal),
		pubsubLimit: cfg.pubsubLimit(),
		outputSoft:  cfg.softLimit(classNormal),
		pubsubSoft:  cfg.softLimit(classPubsub),
		slowerThan:  cfg.slowerThan(),
		slowEntries: cfg.Int("slowlog-max-len"),
		latencyFrom: cfg.latencyFrom(),
		savePoints:  cfg.savePoints(),
	})
}

// Settings returns what replication needs of the configuration.
func (c *Config) Settings() Settings {
	return Settings{
		ReadOnlyReplica:     c.Bool("replica-read-only"),
		RefuseStale:         !c.Bool("replica-serve-stale-data"),
		Timeout:             c.Seconds("repl-timeout"),
		PingPeriod:          c.Seconds("repl-ping-replica-period"),
		DisklessSync:        c.Bool("repl-diskless-sync"),
		DisklessDelay:       c.Seconds("repl-diskless-sync-delay"),
		DisklessMaxReplicas: int(c.Int("repl-diskless-sync-max-replicas")),
		OutputLimit:         c.outputLimit(classReplica),
		SoftLimit:           c.softLimit(classReplica).bytes,
		SoftTime:            c.softLimit(classReplica).after,
		SyncBudget:          c.Int("understudy-sync-budget"),
		BacklogBytes:        c.Int("repl-backlog-size"),
		BacklogTTL:          c.Seconds("repl-backlog-ttl"),
		MinReplicas:         int(c.Int("min-replicas-to-write")),
		MaxLag:              c.Seconds("min-replicas-max-lag"),
		Username:            c.Text("masteruser"),
		Password:            c.Text("masterauth"),
		Guarded:             c.Bool("understudy-guard"),
		GuardPercent:        int(c.Int("understudy-guard-percent")),
		GuardFreshPercent:   int(c.Int("understudy-guard-fresh-percent")),
		RetainFormer:        c.Seconds("understudy-retain-former"),
		LoadMode:            c.Text("repl-diskless-load"),
		SpoolDir:            c.Text("dir"),
		AnnounceIP:          c.Text("replica-announce-ip"),
		AnnouncePort:        int(c.Int("replica-announce-port")),
		TLS:                 c.upstreamTLS(),
		ListeningPort:       c.listeningPort(),
		Priority:            int(c.Int("replica-priority")),
	}
}

// config returns the configuration of this moment.
func (s *Server) config() *Config { return s.tuning.Load().config }

// change runs edit on a copy of the configuration and publishes it unless edit fails.
func (s *Server) change(edit func(*Config) error) error {
	s.configMu.Lock()
	defer s.configMu.Unlock()
	cfg := s.config().clone()
	if err := edit(cfg); err != nil {
		return err
	}
	s.apply(cfg)
	return nil
}

// Adopt makes the directives that decide returns part of the configuration: the node has them already. No other change comes in between.
func (s *Server) Adopt(decide func() []string) error {
	s.configMu.Lock()
	defer s.configMu.Unlock()
	cfg := s.config().clone()
	if err := cfg.readFlags(decide(), 0, map[string]bool{}); err != nil {
		return err
	}
	s.publish(cfg)
	return nil
}

// rewrite brings the configuration file up to date, the present role included.
func (s *Server) rewrite() error {
	s.configMu.Lock()
	defer s.configMu.Unlock()
	cfg := s.config().clone()
	cfg.values["replicaof"] = s.primaryText()
	err := cfg.Rewrite()
	if err != nil && cfg.file != "" {
		s.log.Warn("configuration file not rewritten", zap.Error(err))
	}
	return err
}

// primaryText is the present value of replicaof: the role changes at run time without the configuration.
func (s *Server) primaryText() string {
	up := s.node.State().Upstream
	if up == nil {
		return ""
	}
	return up.Host + " " + portText(up.Port)
}

// announcedPort is the port in INFO: the first listener's, when it is one of TCP, else that of the configuration.
func (s *Server) announcedPort() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			return tcp.Port
		}
	}
	return int(s.config().Int("port"))
}
