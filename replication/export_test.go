package replication

// SpoolFile is what a temporary file of a payload has to offer.
type SpoolFile = spoolFile

// SpoolTo makes create the maker of temporary files for payloads of more than memory bytes.
func (r *Replica) SpoolTo(memory int, create func() (SpoolFile, error)) { r.n.spoolTo(memory, create) }

// SpoolTo is the same on the serving side.
func (p *Primary) SpoolTo(memory int, create func() (SpoolFile, error)) { p.n.spoolTo(memory, create) }

func (n *node) spoolTo(memory int, create func() (SpoolFile, error)) {
	c := *n.cfg.Load()
	c.spool = spoolPlace{memory: memory, create: create}
	n.cfg.Store(&c)
}
