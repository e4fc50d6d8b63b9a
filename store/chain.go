package store

import "slices"

// chain is the modifiers of an environment and what each is there for. It is
// replaced as a whole, never changed.
type chain struct {
	all   []Modifier // in order; what stored blobs may have passed is undone by these
	seal  []Modifier // of them, what new blobs pass
	keyed Keyed      // of them, nil if there is none
	known []byte     // stages that a root has named since the environment was opened

	// strict: whatever is read here has passed the Encrypt stage.
	strict bool
	// plainRoot: a root that has not is no surprise.
	plainRoot bool
}

// maxStages bounds the chain.
const maxStages = 8

// newChain orders modifiers by kind and refuses those that name a stage twice, or
// have two rings of keys.
func newChain(modifiers []Modifier) (*chain, error) {
	all := slices.Clone(modifiers)
	invalid := fail(InvalidOption, "open", "modifiers", nil)
	for i := range all { // few: slices.SortStableFunc would be 2 kB more to download
		if all[i] == nil {
			return nil, invalid
		}
		for j := i; j > 0 && all[j].Stage().Kind < all[j-1].Stage().Kind; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	c := &chain{all: all, seal: all}
	for i, m := range all {
		stage := m.Stage()
		if stage.Kind < Convert || stage.Kind > User || len(all) > maxStages || hasStage(stagesOf(all[:i]), stage) {
			return nil, invalid
		}
		if keyed, ok := m.(Keyed); ok && c.keyed == nil {
			c.keyed = keyed
		} else if ok {
			return nil, invalid
		}
	}
	c.strict = c.encrypts()
	return c, nil
}

// with is a chain that can open what either of two has sealed. Where both have a
// stage, it is the other's.
func (c *chain) with(other *chain) (*chain, error) {
	all := slices.Clone(other.all)
	have := stagesOf(other.all)
	for _, m := range c.all {
		if !hasStage(have, m.Stage()) {
			all = append(all, m)
		}
	}
	both, err := newChain(all)
	if err != nil {
		return nil, fail(Unsupported, "rechain: two stages with keys, or too many", "", nil)
	}
	both.seal, both.known, both.strict, both.plainRoot = c.seal, c.known, c.strict, c.plainRoot
	return both, nil
}

// under is the chain as it is to be used under a root. Stages that the root does not name are
// new, and new blobs pass them; but encryption is not taken up, nor is what an
// earlier root has named, by the way.
func (c *chain) under(r *root) *chain {
	next := *c
	next.seal = nil
	target := r.stages
	if r.resealing != nil {
		target = r.resealing.target
	}
	for _, m := range c.all {
		stage := m.Stage()
		fresh := r.resealing == nil && stage.Kind != Encrypt && !hasStage(r.stages, stage) && !hasStage(c.known, stage)
		if fresh || hasStage(target, stage) {
			next.seal = append(next.seal, m)
		}
	}
	next.known = unite(c.known, r.stages)
	// Who reads what was there before everything was encrypted still finds it as it was:
	// this context goes on believing it.
	next.strict = encrypted(target) && (r.resealing == nil || !r.resealing.plain) && (c.strict || c.known == nil)
	next.plainRoot = !encrypted(target)
	return &next
}

// ofRoot are the modifiers that a root passes: as long as anything is encrypted, it is
// too, so that nobody else can say what is not.
func (c *chain) ofRoot(r *root) []Modifier {
	return slices.DeleteFunc(slices.Clone(c.all), func(m Modifier) bool {
		stage := m.Stage()
		return !hasStage(stagesOf(c.seal), stage) && !(stage.Kind == Encrypt && hasStage(r.stages, stage))
	})
}

// missing is what it means that the chain does not have all of the stages, and
// empty if it does.
func (c *chain) missing(stages []byte) (code Code) {
	have := stagesOf(c.all)
	for i := 0; i+1 < len(stages); i += 2 {
		stage := Stage{StageKind(stages[i]), stages[i+1]}
		if hasStage(have, stage) {
			continue
		}
		if stage.Kind == Encrypt {
			return KeyRequired
		}
		code = MissingModifier
	}
	return code
}

func (c *chain) encrypts() bool { return encrypted(stagesOf(c.all)) }

// stagesOf are modifiers as they are stored: kind, id, kind, id …
func stagesOf(modifiers []Modifier) []byte {
	stages := make([]byte, 0, 2*maxStages)
	for _, m := range modifiers {
		stages = append(stages, byte(m.Stage().Kind), m.Stage().ID)
	}
	return stages
}

// unite appends those of more that are not among stages to a copy of them.
func unite(stages, more []byte) []byte {
	all := append(make([]byte, 0, len(stages)+len(more)), stages...)
	for i := 0; i+1 < len(more); i += 2 {
		if !hasStage(stages, Stage{StageKind(more[i]), more[i+1]}) {
			all = append(all, more[i], more[i+1])
		}
	}
	return all
}

func hasStage(stages []byte, stage Stage) bool {
	for i := 0; i+1 < len(stages); i += 2 {
		if stages[i] == byte(stage.Kind) && stages[i+1] == stage.ID {
			return true
		}
	}
	return false
}

// encrypted reports whether an Encrypt stage is among stages.
func encrypted(stages []byte) bool {
	for i := 0; i+1 < len(stages); i += 2 {
		if StageKind(stages[i]) == Encrypt {
			return true
		}
	}
	return false
}

// newSealer makes a sealer of a chain, which seals with all of it until a root tells more.
func newSealer(modifiers []Modifier) (*sealer, error) {
	c, err := newChain(modifiers)
	if err != nil {
		return nil, err
	}
	s := &sealer{}
	s.chain.Store(c)
	s.version.Store(1)
	return s, nil
}

// adopt has the chain used as a root wants it, and completes the root's stages by
// those that are new. It fails with MissingModifier, or KeyRequired, where the chain lacks some.
func (s *sealer) adopt(r *root) error {
	return s.change(func(c *chain) (*chain, error) {
		if code := c.missing(r.stages); code != "" {
			return nil, fail(code, "open", "", nil)
		}
		next := c.under(r)
		r.stages = unite(r.stages, stagesOf(next.seal))
		return next, nil
	})
}

// change replaces the chain. Its version is counted after that: who took the new one for
// what he seals has sealed with this chain.
func (s *sealer) change(to func(*chain) (*chain, error)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	before := s.chain.Load()
	next, err := to(before)
	if err != nil {
		return err
	}
	s.chain.Store(next)
	if !slices.Equal(stagesOf(before.seal), stagesOf(next.seal)) {
		s.version.Add(1)
	}
	return nil
}
