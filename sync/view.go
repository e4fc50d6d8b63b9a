package sync

import (
	"context"
	"net/http"
	stdsync "sync"
	"time"

	"github.com/stowage-db/stowage/store"
)

// ViewOptions say what a view is over. The zero value of each takes what stands with it.
type ViewOptions struct {
	Origin   string        // the URL of an origin's shapes, which ends in /v1/shape; there is what was loaded, and no more
	Source   Source        // another source in its place
	Mode     Mode          // Freshen
	MaxAge   time.Duration // older than this it is stale; nothing is
	Deadline time.Duration // that OfflineFallback waits for an answer; 3 s
	Live     bool          // follows models that are pulled as they change; they are asked for when the mode says so
	Token    TokenSource
	Retry    Retry
	Client   *http.Client
}

// View is an origin's rows as items with relations, out of the tables that hold what was
// pulled or loaded, with as much of the network as the mode says: see js/VIEW.md. Models and
// relations are added, then it is opened, once. All its methods, and those of what it
// hands out, may be called at the same time. Pages have the same in js/src/sync/view.ts.
//
//	music, err := sync.NewView(env, sync.ViewOptions{Origin: "http://127.0.0.1:3000/v1/shape"})
//	artists := sync.NewModel[Artist](music, "artists", sync.ModelSpec{Table: "artists", Key: []string{"id"}})
//	albums := sync.NewModel[Album](music, "albums", sync.ModelSpec{Table: "albums", Key: []string{"id"}})
//	albumsOf := sync.Many(artists, "albums", albums, "artist_id", sync.RelationOptions{})
//	err = music.Open(ctx)
//	artist, err := artists.Get(ctx, 1)
//	list, err := albumsOf.Of(ctx, artist)
type View struct {
	Requests *Requests

	env       *store.Env
	options   ViewOptions
	source    Source
	models    map[string]*model
	relations map[string]*relation
	wrong     error // in what was declared
	loader    *loader
	puller    *Puller
	end       context.CancelFunc

	mu        stdsync.Mutex
	mode      Mode
	stage     stage
	items     items
	refreshed map[string]bool // shapes that were asked for news since the view was opened
	changedAt int64           // when the last change was made here, in milliseconds since 1970
	changed   chan struct{}   // closed when something shows something else, and then another
}

type stage int

const (
	made stage = iota
	opening
	open
	closed
)

// NewView makes a view, which is opened before it is used.
func NewView(env *store.Env, options ViewOptions) *View {
	options.Retry.fill()
	if options.Deadline <= 0 {
		options.Deadline = 3 * time.Second
	}
	v := &View{
		env: env, options: options, source: options.Source, mode: least(options.Mode),
		Requests: newRequests(options.Client, options.Token, options.Retry.Rest),
		models:   map[string]*model{}, relations: map[string]*relation{}, items: items{}, refreshed: map[string]bool{}, changed: make(chan struct{}),
	}
	if v.source == nil && options.Origin != "" {
		v.source = Electric(options.Origin)
	}
	return v
}

func (v *View) declare(m *model) {
	answers := true
	if v.source != nil {
		_, answers = v.source.(Statements)
	}
	switch {
	case v.models[m.name] != nil || m.name == "" || m.spec.Table == "" || len(m.spec.Key) == 0:
		v.refuse("declare a model", m.name)
	case !answers && !m.spec.Pulled:
		v.refuse("load rows of a source that answers no statements", m.name)
	}
	v.models[m.name] = m
}

func (v *View) relate(r *relation) {
	if wrong := r.wrong(); wrong != "" {
		v.refuse("declare a relation that "+wrong, r.name)
	}
	if v.relations[r.field()] != nil {
		v.refuse("declare a relation twice", r.name)
	}
	v.relations[r.field()] = r
}

func (v *View) refuse(op, name string) {
	if v.wrong == nil {
		v.wrong = &store.Error{Code: store.InvalidOption, Op: op, Name: name}
	}
}

// Open opens the view. A view that was closed is made anew. It fails with InvalidOption
// where models or relations were declared wrongly.
func (v *View) Open(ctx context.Context) error {
	v.mu.Lock()
	if v.stage != made {
		v.mu.Unlock()
		return notLive("open a view that was opened or closed")
	}
	v.stage = opening
	v.mu.Unlock()
	err := v.wrong
	var running context.Context
	running, v.end = context.WithCancel(context.Background())
	v.loader = newLoader(running, v.env, v.query)
	if err == nil {
		err = v.startPuller(ctx)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stage = open
	if err != nil {
		v.stage = closed
		v.end()
	}
	return err
}

// Close ends the view: it, and everything it has handed out, is not live from then on.
// What was loaded stays.
func (v *View) Close() {
	v.mu.Lock()
	was := v.stage
	v.stage = closed
	v.mu.Unlock()
	if was != open {
		return
	}
	v.end()
	if v.puller != nil {
		v.puller.Close()
	}
	v.loader.work.Wait()
}

func notLive(op string) error { return &store.Error{Code: store.NotLive, Op: op} }

// live fails where the view is not open.
func (v *View) live() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stage != open {
		return notLive("use a view that is not open")
	}
	return nil
}

// mayAsk fails where the view is not open, or offline.
func (v *View) mayAsk() error {
	if err := v.live(); err != nil || v.Mode() != Offline {
		return err
	}
	return &store.Error{Code: store.Offline, Op: "ask the origin"}
}

// Mode is how much of the origin is wanted.
func (v *View) Mode() Mode {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.mode
}

// SetMode says how much of the origin is wanted from now on.
func (v *View) SetMode(mode Mode) {
	v.mu.Lock()
	v.mode = least(mode)
	puller := v.puller
	v.mu.Unlock()
	if puller != nil {
		puller.nudge()
	}
}

// Changed is closed when something that was handed out shows something else.
func (v *View) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// Progress tells how far the shapes of models that are pulled are.
func (v *View) Progress() map[string]Progress {
	if v.puller == nil {
		return nil
	}
	return v.puller.Progress()
}

// RefreshAll loads everything once more that was ever loaded, and asks for what is new in
// shapes.
func (v *View) RefreshAll(ctx context.Context) error {
	if err := v.mayAsk(); err != nil {
		return err
	}
	v.loader.forget()
	var rows, lists []loaded
	err := v.env.View(ctx, func(tx *store.Tx) error {
		rows, lists = nil, nil
		table, err := openTable(tx, loadedTable)
		if err != nil || table == nil {
			return err
		}
		return table.Find(tx, all(), func(doc []byte) error {
			l, err := parseLoaded(doc)
			switch {
			case err != nil:
				return err
			case l.field == itself:
				rows = append(rows, *l)
			default:
				lists = append(lists, *l)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, m := range v.models {
		if m.spec.Pulled {
			err = v.refreshShape(ctx, m)
		} else if of := ofModel(rows, m.name); len(of) > 0 {
			err = v.loader.rows(ctx, m, of)
		}
		if err != nil {
			return err
		}
	}
	if err := v.reload(ctx, lists); err != nil {
		return err
	}
	for _, m := range v.models {
		v.showAgain(ctx, m)
	}
	return nil
}

func ofModel(records []loaded, model string) []wanted {
	var of []wanted
	for i := range records {
		if records[i].model == model {
			of = append(of, records[i].wanted)
		}
	}
	return of
}

// reload loads what records of relations and conditions tell of once more.
func (v *View) reload(ctx context.Context, lists []loaded) error {
	byField := map[string][]wanted{}
	for i := range lists {
		one := lists[i].wanted
		if m := v.models[one.model]; one.where == "" {
			byField[one.field] = append(byField[one.field], one)
		} else if m != nil {
			if err := v.loader.where(ctx, m, one); err != nil {
				return err
			}
		}
	}
	for field, list := range byField {
		if r := v.relations[field]; r != nil {
			if err := r.request(ctx, list); err != nil {
				return err
			}
		}
	}
	return nil
}

// Changes returns the changes that were made here, oldest first.
func (v *View) Changes(ctx context.Context) (changes []LocalChange, err error) {
	if err = v.live(); err != nil {
		return nil, err
	}
	err = v.env.View(ctx, func(tx *store.Tx) error {
		changes, err = listChanges(tx, "", nil)
		return err
	})
	return changes, err
}

// now is when a change is made: each is later than those before.
func (v *View) now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changedAt = max(time.Now().UnixMilli(), v.changedAt+1)
	return time.UnixMilli(v.changedAt)
}

// Discard takes back the changes of a row, of a model where the key is nil, or all where
// the model is "", and returns how many.
func (v *View) Discard(ctx context.Context, model string, key any) (int, error) {
	if err := v.live(); err != nil {
		return 0, err
	}
	if key != nil && v.models[model] != nil {
		var err error
		if key, err = v.models[model].identify(key); err != nil {
			return 0, err
		}
	}
	gone, err := discardChanges(ctx, v.env, model, key)
	for _, c := range gone {
		if m := v.models[c.Model]; m != nil && err == nil {
			_, err = v.show(ctx, m, []any{c.Key})
		}
	}
	return len(gone), err
}

// query asks the origin.
func (v *View) query(ctx context.Context, s Statement) (*Found, error) {
	source, ok := v.source.(Statements)
	if !ok {
		return nil, &Unanswered{what: "the view has no origin"}
	}
	return source.Query(ctx, s, Asking{Requests: v.Requests})
}

func (v *View) startPuller(ctx context.Context) error {
	shapes := map[string]ShapeSpec{}
	for name, m := range v.models {
		if m.spec.Pulled {
			shapes[name] = ShapeSpec{Table: m.spec.Table, Columns: m.spec.Columns, Where: m.spec.Where, Params: m.spec.Params}
		}
	}
	if len(shapes) == 0 {
		return nil
	}
	o := PullOptions{Shapes: shapes, Once: !v.options.Live, Retry: v.options.Retry, Source: v.source}
	o.held = func(complete bool) bool { return v.Mode() == Offline || v.source == nil || complete && !v.options.Live }
	if o.Source == nil {
		o.Source = noSource{}
	}
	var err error
	v.puller, err = start(ctx, v.env, v.Requests, o)
	return err
}

// noSource is that of a view without an origin.
type noSource struct{}

func (noSource) Live() bool { return false }

func (noSource) Next(context.Context, ShapeSpec, Position, Asking) (*Chunk, error) {
	return nil, &Unanswered{what: "the view has no origin"}
}

func missing(m *model, s state, cause error) error {
	if s == partial {
		return &store.Error{Code: store.Incomplete, Op: "view what is here in part", Name: m.name, Err: cause}
	}
	return &store.Error{Code: store.Offline, Op: "view what is not here", Name: m.name, Err: cause}
}

// excuse drops an error that nothing takes the place of.
func (how Load) excuse(err error) error {
	if code := store.CodeOf(err); how.OrNothing && (code == store.Offline || code == store.Incomplete) {
		return nil
	}
	return err
}
