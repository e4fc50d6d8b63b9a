package main

import "iter"

// coroutine runs one task after the other. It is kept between them, because
// its stack is: the engine's needs some hundred kilobytes, and growing one anew
// for every task costs more than most tasks.
type coroutine struct {
	job    func()
	idle   bool // between jobs
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

func newCoroutine() *coroutine {
	c := &coroutine{}
	c.resume, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			c.job()
			c.idle = true
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// run goes on with the job, which it was given before, until that waits or is
// done. It reports whether it is done. A panic of the job ends the coroutine.
func (c *coroutine) run() (done bool) {
	c.idle = false
	_, alive := c.resume()
	return c.idle || !alive
}

// wait interrupts the job. It reports false when the job must end.
func (c *coroutine) wait() bool { return c.yield(struct{}{}) }

// maxIdle is how many coroutines are kept for tasks to come.
const maxIdle = 8

// borrow returns a coroutine for a job.
func (b *bridge) borrow(job func()) *coroutine {
	n := len(b.idle)
	if n == 0 {
		c := newCoroutine()
		c.job = job
		return c
	}
	c := b.idle[n-1]
	b.idle = b.idle[:n-1]
	c.job = job
	return c
}

// giveBack keeps a coroutine whose job is done.
func (b *bridge) giveBack(c *coroutine) {
	c.job = nil
	if c.idle && len(b.idle) < maxIdle {
		b.idle = append(b.idle, c)
		return
	}
	c.stop()
}
