create table t(a integer primary key, b text, c real, d)
insert into t values (1,'one',1.5,null),(2,'two',2,'x'),(3,'three',null,3),(4,'One',4.25,x'00ff'),(5,null,5,'3')
create table u(a int, e text collate nocase, f int default 7)
insert into u(a,e) values (1,'ONE'),(2,'two'),(2,'deux'),(9,'nine'),(null,'none')
create index ua on u(a)
create index tb on t(b)
create table w(x,y)
insert into w values (1,2),(1,3),(2,2),(2,null),(null,1),('1',2),(1.0,5)
-- expressions
select 1, 'a', 1.5, null, x'41', -1, +1, ~5, not 1, 1+2*3, (1+2)*3, 7/2, 7%3, 7.0/2, 'a'||'b', 1<<3, 6&3, 6|1
select 1=1, 1<>1, 1<2, 'a'<'B', null=null, null is null, 1 is not null, 1 is 1, 'a' is not distinct from 'a', 1 is distinct from null
select 1 in (1,2), 3 in (1,2), null in (1,2), 1 in (null,2), 1 not in (2,3), 1 in ()
select 2 between 1 and 3, 2 not between 1 and 3, null between 1 and 2
select 'abc' like 'A%', 'abc' glob 'A*', 'a%c' like 'a\%c' escape '\', 'abc' not like 'x%'
select case 1 when 1 then 'a' else 'b' end, case when 0 then 1 end, case null when null then 1 else 2 end
select cast('12abc' as integer), cast(1.9 as int), cast(5 as text), cast('1.5' as real), cast('x' as blob)
select coalesce(null,1,2), ifnull(null,3), nullif(1,1), nullif(1,2), iif(1,2,3), min(1,2,3), max('a','b'), abs(-5), length('abc'), typeof(1.0)
select (1,2)=(1,2), (1,2)<(1,3), (1,null)=(1,2), (1,null)=(2,null), (1,2) is (1,2), (1,2) in (values(1,2),(3,4))
select 9223372036854775807+1, -9223372036854775808, 9223372036854775808, 0x10, 1e3, .5
select true, false, 5 is true, null is true, 0 is not false
select "nonexistent"
select abc
select 1 where 0
select upper('abc'), substr('hello',2,3), replace('abc','b','x'), instr('hello','l'), trim('  a '), hex('abc'), quote('it''s'), round(2.567,2), printf('%05d|%s',42,'x')
select current_date is not null
values (1,2),(3,4)
values (1),(2),(3) order by 1 desc
-- select
select * from t
select a, b from t where a > 2
select t.*, a+1 as z from t where z > 3
select * from t where b = 'one'
select * from t where b = 'one' collate nocase
select * from t where b > 'one' order by a
select * from t where d = 3
select * from t where d = '3'
select * from t where c > '2'
select * from t where a = '2'
select * from t where a in (1,3,'4') order by a
select * from t where b in ('one','two') order by a
select * from t where b like 'o%' order by a
select * from t where b is null
select * from t where a between 2 and 4 order by a desc
select rowid, a, oid from t order by rowid
select a from t order by b
select a from t order by b desc, a
select a from t order by b nulls last
select a from t order by c desc nulls first limit 2
select a, b as x from t order by x, a limit 2 offset 1
select a from t order by 1 desc limit 1,2
select a from t order by -a
select distinct x from w order by x
select distinct x, y from w
select count(*), count(b), sum(c), avg(c), total(c), min(b), max(b) from t
select count(*), sum(a) from t where 0
select x, count(*), sum(y), group_concat(y) from w group by x order by x
select x, count(*) from w group by x having count(*) > 1 order by 1
select x+1 as k, count(distinct y) from w group by k order by k
select count(*) filter (where y > 1), sum(y) filter (where x = 1) from w
select max(a), b from t
select min(c), b, a from t
select e, count(*) from u group by e order by e
select a, sum(f) from u group by a order by a desc
select sum(x), y from w group by y order by sum(x) desc, y limit 3
select group_concat(b, '-' order by a desc) from t
select a from t group by a having a > 2 order by a
select count(*) from t having count(*) > 10
select 1 from t group by 2
select sum(sum(a)) from t
select a from t where sum(a) > 1
select typeof(sum(a)), typeof(avg(a)), typeof(total(a)), typeof(count(*)) from t
select b, count(*) as n from t group by b order by n, b
select length(b) as l, count(*) from t group by l order by l
-- joins
select * from t join u on t.a = u.a order by t.a, e
select * from t, u where t.a = u.a order by t.a, e
select t.a, e from t left join u on t.a = u.a order by t.a, e
select t.a, e from t left join u on t.a = u.a and e = 'two' order by t.a, e
select t.a, e from t left join u on t.a = u.a where e is null order by t.a
select t.a, e from t left join u on t.a = u.a where e = 'TWO' order by t.a
select t.a, u.a, e from t right join u on t.a = u.a order by e
select t.a, u.a, e from t full join u on t.a = u.a order by e, t.a
select * from t join u using (a) order by a, e
select * from t left join u using (a) order by a, e
select a, e from t full join u using (a) order by a, e
select a, e from t right join u using (a) order by a, e
select * from t natural join u order by a, e
select a from t natural full join u order by 1
select count(*) from t cross join u
select count(*) from t, u, w
select t.a, u.e, w.y from t join u on t.a = u.a join w on w.x = t.a order by 1,2,3
select t.a, u.e, w.y from t left join u on t.a = u.a left join w on w.x = u.a order by 1,2,3
select t1.a, t2.a from t t1, t t2 where t1.a < t2.a and t2.b > t1.b order by 1,2
select x.a from t as x left join (u as y join w as z on y.a = z.x) on x.a = y.a order by x.a
select * from (t join u on t.a = u.a) order by t.a, e
select t.a from t join u on t.a = u.a and u.f > 100
select a from t join u on t.a = u.a
select t1.a from t t1 left join t t2 on t1.a = t2.a + 1 where t2.a is null
select w.x, t.a from w left join t on w.x = t.a order by 1,2
select w.x, t.a from w join t on w.x = t.b
select u.a, t.a from u left join t on t.a = u.a and t.b = 'two' order by 1, e
select t.a, u.a from t full join u on t.a = u.a and t.b = 'two' order by 1,2,e
select t.a, u.a from t right join u on t.a = u.a and u.e = 'two' order by 1,2,e
-- subqueries
select (select max(a) from u)
select a, (select count(*) from u where u.a = t.a) from t order by a
select a from t where exists (select 1 from u where u.a = t.a) order by a
select a from t where not exists (select 1 from u where u.a = t.a) order by a
select a from t where a in (select a from u) order by a
select a from t where a not in (select a from u)
select a from t where a not in (select a from u where a is not null) order by a
select a from t where (a, b) in (select a, e from u)
select a from t where b in (select e from u) order by a
select * from (select a, b from t where a > 1) where a < 4 order by a
select x.n from (select count(*) as n from t) x
select s.a, s.k from (select a, a*2 as k from t) s where s.k > 4 order by s.k desc
select a from t where a = (select max(a) from t)
select a, (select e from u where u.a = t.a order by e limit 1) from t order by a
select (select a from t where 0), (select count(*) from t where 0)
select q.a, w.y from (select a from t where a < 3) q join w on w.x = q.a order by 1,2
select q.a, w.y from (select distinct a from u) q left join w on w.x = q.a order by 1,2
select (a, b) = (select 1, 'one') from t order by a
select a from t where a > (select avg(a) from t) order by a
select a from t t1 where 2 > (select count(*) from t t2 where t2.a > t1.a) order by a
select x, (select sum(y) from w w2 where w2.x = w.x) from w group by x order by x
select a, exists(select 1 from u where u.a = t.a and u.e like 'd%') as has from t order by a
select (select (select t.a)) from t order by 1
select a from t where a in (select x from w where y = (select min(y) from w where x = t.a)) order by a
-- compound and with
select a from t union select a from u order by 1
select a from t union all select a from u order by 1
select a from t intersect select a from u order by 1
select a from t except select a from u order by 1
select a from t union select x from w union all select 7 order by a desc limit 4
select a, b from t union select a, e from u order by b, a
select 1 union select 2, 3
select a from t order by b union select 1
select a as z from t union select 1 order by z
select * from (select a from t union select a from u) where a > 2 order by a
create table v(i integer primary key, x)
insert into v values (1,1),(2,1.0),(3,2.0),(4,2),(5,3),(6,3.0),(7,-9),(8,null)
create table nc(i integer primary key, e text collate nocase)
insert into nc values (1,'a'),(2,'A'),(3,'b'),(4,'B')
select x, typeof(x) from (select 1 as x union select 1.0)
select -9 union select -9.0
select -9.0 union select -9 union select 4
select 1 union select 1.0 union select 1
select 1 union select 1.0 union all select 1
select 1 union all select 1.0 union select 2
select x from v union select 5
select 5 union select x from v
select x from v union select 2
select 2.0 union select x from v union select 3.0
select x from v where i < 3 union select x from v where i in (3, 4) union select x from v where i > 4 order by 1
select x from v union select x from v where i > 1 order by 1 limit 3
select x from v union select x from v where i > 1 order by 1 desc limit 9 offset 1
select x from v intersect select x from v where i <> 1
select x from v intersect select x from v union select 2
select x from v union select 2 except select 1
select x from v except select 1
select e from nc union select 'B'
select 'B' union select e from nc
select e from nc where i = 2 union select e from nc where i = 1
select x, i from v union select x, 1 from v where i < 5 order by x desc
select i % 2, x from v union select i % 2, x from v where i <> 3 order by 1
create table kept as select x from v union select 3.0
select rowid as r, x, typeof(x) from kept order by 1
insert into kept select 9 union select 7 union select 9.0 union select 8
select rowid as r, x, typeof(x) from kept order by 1
insert into kept select x from v except select 2
select rowid as r, x, typeof(x) from kept order by 1
with recursive k(z) as (select 1 union select 1.0 union select z + 1 from k where z < 3) select z, typeof(z) from k order by z
select z, z || '', typeof(z) from (select c as z from t union all select a from t) order by 1, 2
select z, typeof(z) from (select c as z from t union select a from t) order by z
select z, typeof(z) from (select a as z from t union all select c from t) order by z, 2
select z, typeof(z) from (select c as z from t union all select d from t) order by z, 2
select z, typeof(z) from (select 1 as z union all select c from t) order by z, 2
select z, typeof(z) from u left join (select c as z from t union select a from t) on z = u.a order by 1
select column1, typeof(column1) from (values (cast(1 as real)), (2))
with k(z) as (select c from t union select a from t) select z, (select max(z) from k), typeof(z) from k order by z
with recursive k(z) as (select cast(1 as real) union all select cast(z as int) + 1 from k where z < 3) select z, typeof(z) from k
with q as (select a from t where a > 2) select * from q order by a
with q(k, l) as (select a, b from t) select l, k from q order by k
with q as (select 1 as a), r as (select a+1 as b from q) select * from q, r
with recursive n(i) as (select 1 union all select i+1 from n where i < 10) select sum(i) from n
with recursive n(i) as (values(1) union all select i+1 from n) select i from n limit 5
with recursive n(i) as (select 1 union all select i*2 from n limit 6) select * from n
with recursive p(a, l) as (select 1, 0 union select x, l+1 from w, p where w.y = p.a and l < 3) select * from p order by 1, 2
with recursive n(i) as (select 3 union all select i-1 from n where i > 0 order by 1) select * from n
with q as (select a from t) select a from q x where a in (select a+1 from q) order by a
with q as (select * from u) select count(*) from q q1, q q2
with recursive fib(a, b) as (select 0, 1 union all select b, a+b from fib where b < 100) select a from fib
with a as (select 1 as x), b as (select x from a union all select 2) select * from b order by x
select * from t where a in (with q as (select 2 as z) select z from q)
-- writing
insert into u values (10,'ten',1) returning *
insert into u(e) values ('x') returning a, e, f
insert into t(b) values ('six') returning a
insert into t values (1,'dup',1,1)
insert or ignore into t values (1,'dup',1,1)
insert or replace into t values (1,'dup',1,1) returning *
insert into t(a,b) values (1,'up') on conflict(a) do update set b = excluded.b || '!' where t.a = 1 returning *
insert into t(a,b) values (1,'up') on conflict do nothing
insert into w select a, f from u where a is not null
insert into u default values
insert into w(x) values (1,2)
insert into w(zz) values (1)
insert into nope values (1)
update t set b = b || '?' where a > 3 returning a, b
update t set (b, c) = ('r', a * 2) where a = 2
update t set b = e from u where u.a = t.a and u.a = 9
update w set y = (select max(a) from t) where x = 2
update t set a = 2 where a = 1
update or ignore t set a = 2 where a = 1
update or replace t set a = 2 where a = 1
update w set x = y, y = x
delete from u where a = 2 returning e
delete from w where x in (select a from t)
select * from t order by a
select * from u order by e, a
select * from w order by x, y
create table c1(a integer primary key, b int not null default 5, c text unique, d as (b * 2), check (b < 100))
insert into c1(c) values ('x')
insert into c1(b, c) values (null, 'y')
insert into c1(b, c) values (200, 'y')
insert into c1(c) values ('x')
insert into c1(c) values ('x') on conflict(c) do update set b = b + 1
insert into c1(b, c) values ('12', null), ('abc', null)
replace into c1(c, b) values ('x', 50)
select *, typeof(b) from c1 order by a
create table c3(a integer primary key, b int, c int not null default 4, d as (b + c), e, check (b < c or e is not null))
insert into c3(a, b, c) values (1, 2, 3), (2, 5, 7), (3, null, 1)
update c3 set b = 3 where a = 1
update c3 set b = 2.0 where a = 1
update c3 set c = 8 where a = 2
update c3 set c = 5 where a = 2
update c3 set e = 'any' where a = 2
update c3 set c = 4 where a = 2
update or replace c3 set b = 1, c = null where a = 3
update or ignore c3 set e = null where a = 2
update c3 set e = null where a < 3
update c3 set a = a + 10 where d = 9 returning *
insert into c3(a, b, c) values (12, 1, 1) on conflict do update set e = excluded.c returning d
insert into c3(a, b, c) values (12, 1, 1) on conflict do update set e = null
select *, typeof(b) from c3 order by a
create table c4(a, b as (c + 1), c as (a + 1))
insert into c4(a) values (1)
update c4 set a = 5
select * from c4
create table c5(a, b as (c), c as (b))
insert into c5(a) values (1)
create table c6(a, b as (b + a))
insert into c6(a) values (1)
create table e1(a, check (nope > 1))
create table e2(a, check (nofunc(a)))
create table e4(a default (b), b)
create table e5(a, check ((select 1)))
create table e6(a, check (count(a)))
create table e7(a, check (a > ?))
create table e8(a, b as (nope))
create table e10(a, check (rowid > 5))
create table e11(a, b as (a) default 4)
create table e12(a as (1))
create table e13(a as (b) primary key, b)
create table e14(a, check (e14.a > 1))
create table e15(a, check (other.a > 1))
create table e16(a default (1 + 2), b default (abs(-3)), c default current_timestamp)
create table e17(a default (random()))
create table e18(a, b as (random()))
create table e19(a, check (random() > a))
create table e21(a, check ("nope" <> a))
create table e22(a, b as (a, 1))
create table e23(a, check (row_number() over () > 1))
create table f1(id integer primary key, a, b as (id * 2), check (id < 3))
insert into f1(a) values (1)
insert into f1(a) values (2)
insert into f1(a) values (3)
insert into f1(id, a) values (null, 3)
update f1 set id = 3 where id = 2
update f1 set id = 0 where id = 2 returning b
select * from f1 order by id
create table f2(a unique, check (rowid < 3))
insert into f2 values (1)
insert into f2 values (1)
insert or ignore into f2 values (1)
insert into f2 values (2)
insert into f2 values (3)
select rowid as n, a from f2 order by a
create table c7(a, d as (b || c), b as (c + 1), c as (a + 1) not null, check (d <> '32'))
insert into c7 values (1)
insert into c7 values (2)
insert into c7 values (null)
update c7 set a = 1
update c7 set a = 3
update c7 set a = null
select * from c7
create view v as select a, b from t where a > 2
select * from v order by a
create view v2(k) as select a * 10 from v
select k from v2 order by k
create table if not exists c1(z)
create table c1(z)
create table c2 as select a, b as bb from t where a < 4
select * from c2 order by a
drop table c2
select * from c2
drop table if exists c2
drop view v2
select * from v2
create table k2(a, b, c, primary key (a, b))
insert into k2 values (1,1,1),(1,2,2)
insert into k2 values (1,1,3)
insert into k2 values (1,1,3) on conflict(a,b) do update set c = excluded.c
select * from k2 order by a, b
-- errors
selec 1
select * from nothing
select nope from t
select t.nope from t
select a from t, u
select nofunc(1)
select abs(1,2)
select * from t where
select (select 1, 2)
select 1 limit 'x'
select * from t limit -1
select 1, from t
insert into t(a, b) values (1)
-- rows of json
select value from json_each('[1,2,"x"]')
select key, value, type from json_each('{"a":1,"b":[2]}') order by key
select t.a, j.value from t, json_each('[' || t.a || ',7]') j order by 1, 2
select j.key, sum(j.value) from (select '[1,2]' as s union all select '[3,4]') q, json_each(q.s) j group by j.key order by 1
select fullkey, atom from json_tree('{"a":[1,{"b":2}]}') order by id
select '{"a":{"b":5}}' -> '$.a' ->> '$.b'
select json_group_array(a order by a) from t
-- windows
create table g(id integer primary key, k text, v int, r real)
insert into g values (1,'a',10,1),(2,'a',20,2.5),(3,'b',5,3),(4,'b',null,4),(5,'a',20,7),(6,'c',1,8),(7,'b',7,8.5)
select id, row_number() over (order by v, id) from g order by id
select id, rank() over (order by v), dense_rank() over (order by v), percent_rank() over (order by v), cume_dist() over (order by v) from g order by id
select id, sum(v) over () from g order by id
select id, sum(v) over (partition by k) from g order by id
select id, sum(v) over (partition by k order by id) from g order by id
select id, sum(v) over (order by v) from g order by id
select id, sum(v) over (order by id rows between 1 preceding and 1 following) from g order by id
select id, group_concat(id) over (order by id rows between 2 preceding and 1 preceding) from g order by id
select id, count(*) over (order by v groups between 1 preceding and current row) from g order by id
select id, sum(v) over (order by v range between 5 preceding and 5 following) from g order by id
select id, sum(v) over (order by r desc range between 1.5 preceding and 1 following) from g order by id
select id, group_concat(id) over (order by v range between 5 preceding and 5 following exclude current row) from g order by id
select id, group_concat(id) over (order by v exclude ties) from g order by id
select id, group_concat(id) over (order by v groups between unbounded preceding and unbounded following exclude group) from g order by id
select id, min(v) over (order by id rows between 1 preceding and 1 following), max(v) over (order by id rows 2 preceding) from g order by id
select id, lag(v) over (order by id), lead(v, 2, 'x') over (order by id), first_value(v) over w, last_value(v) over w, nth_value(v, 2) over w from g window w as (partition by k order by id) order by id
select id, ntile(3) over (order by id) from g order by id
select k, sum(v), sum(sum(v)) over (order by k) from g group by k order by k
select k, rank() over (order by sum(v) desc) from g group by k order by k
select id, sum(v) filter (where k = 'a') over (order by id) from g order by id
select id, count(*) over w2 from g window w1 as (partition by k), w2 as (w1 order by id) order by id
select * from (select id, row_number() over (partition by k order by v desc, id) as n from g) where n = 1 order by id
select id from g order by row_number() over (order by v desc, id)
select id from g where row_number() over () = 1
select id, sum(v) over (order by id rows between -1 preceding and current row) from g
select id, sum(v) over nope from g
select row_number() from g
select abs(v) over () from g
select id, avg(v) over (partition by k order by id rows between unbounded preceding and current row) from g order by id
select distinct k, count(*) over (partition by k) from g order by k
select id, v - lag(v, 1, 0) over (order by id) as d from g order by d, id
select max(n) from (select row_number() over () as n from g)
select id, total(v) over (order by k, id desc) from g order by id
select k, id, (select count(*) from t), sum(id) over (partition by k) from g order by id
-- what the comparison with SQLite found
select (select max(g.v) from t where 0) from g
select k, (select sum(g.v)) from g group by k order by 1
select x.n from (select id, (select max(g.v) from t limit 1) as n from g) x
select 1 in ((select 1 from t where 0))
select max(1, y.v) from (select v from g) y order by 1
select 'a' as q union select e from u order by 1
select z.q from (select 'a' as q from t) z union select e from u order by 1
select id from g right join t on 1 join u on null
select count(*) from g where 'a' in (select k from g where (select k from g) between 'a' and 'a')
-- what may have to be spooled
select distinct k from g order by v desc, id
select k, v, group_concat(id order by id desc) from g group by k, v order by k, v
select distinct v, r > 3 from g order by 1, 2
select k, max(v), id from g group by k order by k
select id % 3, count(distinct k) from g group by 1 having count(*) > 1 order by 2 desc, 1
-- operators behind what ends by itself, affinities of compounds, rows that stand for groups, and what COLLATE inside of operands does
CREATE TABLE odd (id INTEGER PRIMARY KEY, a INT, b TEXT, c TEXT COLLATE nocase, d)
INSERT INTO odd VALUES (1, 1, '1', 'a', 1), (2, 5, '2', 'A', '1'), (3, 3, '3', 'b', 2.5), (4, NULL, NULL, NULL, NULL), (5, 5, '05', 'B ', x'31')
SELECT 1 IN (1) + 1
SELECT 1 IN (1, 2) || 'x'
SELECT 1 IN (1) * 2 + 3
SELECT 2 + 1 IN (3) + 1
SELECT 1 IN (SELECT 1) + 1
SELECT NULL ISNULL + 1
SELECT NULL NOTNULL - 1
SELECT 1 NOT NULL + 1
SELECT 1 NOT NULL < 3
SELECT 1 IN (1) < 3
SELECT 1 IN (1) < 3 = 1
SELECT 5 ISNULL COLLATE nocase
SELECT 5 ISNULL || 'a' = '0a'
SELECT NOT 1 IN (1) + 1
SELECT -1 IN (-1) + 1
SELECT 1 = 1 IN (1) + 1
SELECT 1 IN (1) IN (1)
SELECT 1 IN (1) & 3
SELECT a FROM odd WHERE a IN (5) + 1 ORDER BY id
SELECT a FROM odd WHERE id IN (1,2) AND a NOTNULL + 0 ORDER BY id
SELECT 1 BETWEEN 0 AND 2 IN (1)
SELECT 1 BETWEEN 0 AND 2 + 1
SELECT 1 IN () + 1
SELECT 1 IN odd + 1
SELECT column1 = 1 FROM (VALUES ('1'))
SELECT column1 = '1' FROM (VALUES (1))
SELECT column1 = '1' FROM (VALUES (CAST(1 AS INTEGER)))
SELECT column1 = '1' FROM (VALUES (CAST(1 AS INTEGER)), (2))
SELECT column1 = '1' FROM (VALUES (2), (CAST(1 AS INTEGER)))
SELECT column1 = '1' FROM (VALUES (CAST(1 AS INTEGER)), (CAST(1 AS INTEGER)))
SELECT column1 = 1 FROM (VALUES (CAST(1 AS TEXT)), (CAST(1 AS TEXT)))
SELECT column1 = 1 FROM (VALUES (CAST(1 AS TEXT)))
SELECT x = '1' FROM (SELECT CAST(1 AS INTEGER) AS x UNION ALL SELECT 2)
SELECT x = '1' FROM (SELECT CAST(1 AS INTEGER) AS x UNION ALL SELECT CAST(2 AS INTEGER))
SELECT x = '1' FROM (SELECT CAST(1 AS INTEGER) AS x UNION ALL SELECT 'a')
SELECT x = '1' FROM (SELECT 1 AS x UNION ALL SELECT CAST(1 AS INTEGER))
SELECT x = '1' FROM (SELECT a AS x FROM odd UNION ALL SELECT b FROM odd)
SELECT x = 1 FROM (SELECT b AS x FROM odd UNION ALL SELECT a FROM odd)
SELECT x = 1 FROM (SELECT b AS x FROM odd UNION ALL SELECT 1)
SELECT x = 1 FROM (SELECT b AS x FROM odd UNION ALL SELECT 'u')
SELECT x = '1' FROM (SELECT a AS x FROM odd UNION ALL SELECT 'u')
SELECT x = '1' FROM (SELECT a AS x FROM odd UNION ALL SELECT 1)
SELECT x = '1' FROM (SELECT 1 AS x UNION ALL SELECT a FROM odd)
SELECT '1' IN (VALUES (1), (2))
SELECT 1 IN (VALUES ('1'), (2))
SELECT a IN (VALUES ('1'), ('5')) FROM odd
SELECT b IN (VALUES (1), (2)) FROM odd
SELECT b = (VALUES (1)) FROM odd
SELECT a = (VALUES ('1')) FROM odd
SELECT a, typeof(a) FROM (VALUES (1)) v, odd WHERE v.column1 = odd.b
WITH v(x) AS (VALUES (1), ('2')) SELECT x, b FROM v JOIN odd ON x = b
WITH v(x) AS (VALUES (1)) SELECT x, b FROM v JOIN odd ON x = b
WITH v(x) AS (VALUES ('1'), ('2')) SELECT x, a FROM v JOIN odd ON x = a
SELECT min(a), max(b), id FROM odd
SELECT max(a), min(b), id FROM odd
SELECT max(a), max(id), id, b FROM odd
SELECT min(a), max(a), id FROM odd
SELECT max(a), min(a), id FROM odd
SELECT max(a) FILTER (WHERE id < 3), min(b), id FROM odd
SELECT min(b), max(a) FILTER (WHERE id < 3), id FROM odd
SELECT max(a) FILTER (WHERE id < 4), id FROM odd
SELECT max(a) FILTER (WHERE id > 4), id FROM odd
SELECT max(a) FILTER (WHERE id > 9), id FROM odd
SELECT min(DISTINCT a), id FROM odd
SELECT max(DISTINCT a), id FROM odd
SELECT max(DISTINCT a), min(b), id FROM odd
SELECT max(a), count(*), id FROM odd
SELECT count(*), id FROM odd
SELECT sum(a), id, b FROM odd
SELECT c, max(a), min(b), id FROM odd GROUP BY c ORDER BY 1
SELECT c, max(a) + min(a), id FROM odd GROUP BY c ORDER BY 1
SELECT c, id FROM odd GROUP BY c HAVING max(a) > 0 ORDER BY min(b)
SELECT c, id, b FROM odd GROUP BY c ORDER BY max(a), min(b)
SELECT max(a), id FROM odd WHERE a IS NULL
SELECT max(a), id FROM odd WHERE 0
SELECT max(a), max(b), id FROM odd WHERE a IS NULL OR id = 1
SELECT ('a' COLLATE nocase || '') = 'A'
SELECT ('a' || '' COLLATE nocase) = 'A'
SELECT 'A' = ('a' || ('' COLLATE nocase))
SELECT -('a' COLLATE nocase) = '0'
SELECT (c || '') = 'A' FROM odd
SELECT 'A' = (c || '') FROM odd
SELECT 'a' = (CASE WHEN 1 THEN 'A' COLLATE nocase END)
SELECT 'a' = coalesce('A' COLLATE nocase, 'b')
SELECT 'a' = upper('a' COLLATE nocase)
SELECT 'a' = ('A' COLLATE nocase)
SELECT 'a' = +('A' COLLATE nocase)
SELECT 'a' = CAST('A' COLLATE nocase AS TEXT)
SELECT 'a' IN ('A' COLLATE nocase)
SELECT 'a' COLLATE nocase IN ('A')
SELECT ('a' COLLATE nocase) IN (SELECT 'A')
SELECT 'a' IN (SELECT 'A' COLLATE nocase)
SELECT 'a' = (SELECT 'A' COLLATE nocase)
SELECT 'a' BETWEEN 'A' COLLATE nocase AND 'B'
SELECT 'a' BETWEEN 'A' AND 'B' COLLATE nocase
SELECT ('a' = 'A' COLLATE nocase) = 1
SELECT (1 = 1 COLLATE nocase) || 'a' = '1A'
SELECT ('a' < 'b' COLLATE nocase) = 'A'
SELECT ('x' IN ('X' COLLATE nocase)) || 'a' = '1A'
SELECT (NOT 'a' COLLATE nocase) = 'A'
SELECT min('a' COLLATE nocase, 'B')
SELECT min('a', 'B' COLLATE nocase)
SELECT max('a', 'B')
SELECT min(c, 'B') FROM odd
SELECT nullif('a', 'A' COLLATE nocase)
SELECT nullif('a' COLLATE nocase, 'A')
SELECT CASE 'a' WHEN 'A' COLLATE nocase THEN 1 ELSE 2 END
SELECT CASE 'a' COLLATE nocase WHEN 'A' THEN 1 ELSE 2 END
SELECT id FROM odd ORDER BY c || '' , id
SELECT id FROM odd ORDER BY c COLLATE binary, id
SELECT id FROM odd ORDER BY ('' || c COLLATE nocase), id
SELECT DISTINCT c COLLATE binary FROM odd
SELECT count(*) FROM odd GROUP BY c || ('' COLLATE nocase) ORDER BY 1
SELECT count(DISTINCT c COLLATE binary) FROM odd
SELECT count(DISTINCT c) FROM odd
SELECT max(c || '' COLLATE nocase) FROM odd
SELECT (a, c) = (1, 'A') FROM odd
SELECT (a, c COLLATE binary) = (1, 'A') FROM odd
SELECT (1, 'a' COLLATE nocase) = (1, 'A')
SELECT (1, 'a') IN (SELECT 1, 'A' COLLATE nocase)
SELECT (1, 'a' COLLATE nocase) IN (SELECT 1, 'A')
SELECT 'a' COLLATE nocase = 'A' COLLATE binary
SELECT ('a' || 'b' COLLATE nocase) = ('AB' COLLATE binary)
SELECT 'AB' COLLATE binary = ('a' || 'b' COLLATE nocase)
SELECT 'A' LIKE 'a' COLLATE binary
SELECT 'a' = json_extract('{"a":"A"}', '$.a' COLLATE nocase)
SELECT 'ab' = ('A' COLLATE nocase || 'B')
SELECT 'ab' = ('A' || 'B') COLLATE nocase
SELECT 'a' = (SELECT c FROM odd WHERE id = 2)
SELECT (SELECT c FROM odd WHERE id = 2) = 'a'
SELECT x = 'a' FROM (SELECT c AS x FROM odd)
SELECT x = 'a' FROM (SELECT c || '' AS x FROM odd)
SELECT x = 'a' FROM (SELECT 'A' COLLATE nocase AS x)
SELECT x = 'a' FROM (SELECT 'A' COLLATE nocase || '' AS x)
SELECT x = 'a' FROM (SELECT 'A' COLLATE nocase AS x UNION SELECT 'b')
SELECT 'a' = x FROM (SELECT 'A' AS x UNION SELECT 'b' COLLATE nocase)
SELECT max(c COLLATE binary) = 'b ', 'B ' = max(c COLLATE nocase) FROM odd
SELECT 'b ' = max(b COLLATE nocase) || 'B ', max(b COLLATE nocase) || 'B ' = '5b ' FROM odd
SELECT x = '1' FROM (SELECT NULL AS x UNION ALL SELECT CAST(1 AS INTEGER))
SELECT x = '1' FROM (SELECT 1 AS x UNION ALL SELECT CAST('1' AS TEXT))
SELECT x = 1 FROM (SELECT CAST('1' AS TEXT) AS x UNION ALL SELECT a || '' FROM odd)
SELECT x = 1 FROM (SELECT CAST('1' AS TEXT) AS x UNION ALL SELECT upper(a) FROM odd)
SELECT x = 1 FROM (SELECT b AS x FROM odd UNION ALL SELECT CASE WHEN a > 1 THEN 'x' ELSE b END FROM odd)
SELECT x = 1 FROM (SELECT b AS x FROM odd UNION ALL SELECT CASE WHEN a > 1 THEN 'x' ELSE a END FROM odd)
WITH v(x) AS (SELECT b FROM odd UNION ALL SELECT '1') SELECT x = 1 FROM v
WITH v(x) AS (SELECT b FROM odd UNION ALL SELECT 1) SELECT x = 1 FROM v
WITH v(x) AS (VALUES (1), (CAST(2 AS INTEGER))) SELECT x = '2' FROM v
WITH v(x) AS (VALUES (CAST(2 AS INTEGER)), ('2')) SELECT x = '2' FROM v
SELECT column1 = '2' FROM (VALUES (CAST(2 AS INTEGER)), ('2'))
SELECT column1 = 2 FROM (VALUES (CAST(2 AS TEXT)), ('2'), (2))
SELECT column1 = '1', column2 = '1' FROM (VALUES (1, CAST(1 AS INT)), (1, 1))
SELECT column1 = '1', column2 = '1' FROM (VALUES (1, CAST(1 AS INT)), (CAST(1 AS INT), 1))
SELECT x FROM (SELECT b AS x FROM odd UNION SELECT a FROM odd) WHERE x = 1
SELECT x FROM (SELECT a AS x FROM odd UNION SELECT b FROM odd) WHERE x = '1'
SELECT x FROM (SELECT a AS x FROM odd INTERSECT SELECT id FROM odd) WHERE x = '1'
CREATE VIEW odd_first AS SELECT a AS x FROM odd UNION ALL SELECT b FROM odd
SELECT x = '1' FROM odd_first
CREATE VIEW odd_second AS SELECT 1 AS x UNION ALL SELECT a FROM odd
SELECT x = '1' FROM odd_second
SELECT (a IN (1, 5)) + 1 IN (2) || 'x' FROM odd
SELECT count(*) FILTER (WHERE a IN (5) + 0), max(a) FILTER (WHERE 0), id FROM odd
SELECT max(a) FILTER (WHERE id = 2), min(id) FILTER (WHERE id > 3), b FROM odd
SELECT c, max(a) FILTER (WHERE id > 1), id FROM odd GROUP BY c ORDER BY 1
SELECT 'A' = iif(1, 'a' COLLATE nocase, 'b')
SELECT 'A' = max('a' COLLATE nocase, 'Z')
SELECT ('a' BETWEEN 'A' COLLATE nocase AND 'b') || 'x' = '1X'
SELECT ('a' LIKE 'A' COLLATE nocase) || 'x' = '1X'
SELECT ('a' COLLATE nocase IS NULL) || 'x' = '0X'
SELECT ('a' COLLATE nocase IN ('A')) || 'x' = '1X'
SELECT ('a' IN ('A' COLLATE nocase)) || 'x' = '0X'
SELECT (('a' COLLATE nocase, 1) = ('A', 1)) || 'x' = '1X'
SELECT ('a' COLLATE nocase IS TRUE) || 'x' = '0X'
SELECT group_concat(b COLLATE nocase) = '1,2,3,05', count(b COLLATE nocase) || 'x' = '4X' FROM odd
SELECT DISTINCT upper(c COLLATE nocase) FROM odd
SELECT sum(a) FROM odd GROUP BY trim(c COLLATE nocase) ORDER BY 1
SELECT (('a' COLLATE nocase, 1) < ('A', 1)) || 'x' = '0X'
SELECT (('a', 1) IN (SELECT 'A' COLLATE nocase, 1)) || 'x' = '0X'
SELECT (('a' COLLATE nocase, 1) IN (SELECT 'A', 1)) || 'x' = '1X'
SELECT (('a' COLLATE nocase, 'b') = ('A', 'B'))
SELECT (('a', 'b') = ('A', 'B' COLLATE nocase))
SELECT ((('a' COLLATE nocase) || 'b', 'b') = ('AB', 'b'))
SELECT (NOT ('a' COLLATE nocase IS NULL)) || 'x' = '1X'
SELECT ('a' COLLATE nocase AND 1) || 'x' = '0X'
SELECT count(*) FROM odd WHERE (c COLLATE binary, id) = ('a', 1)
SELECT (('a' COLLATE nocase, 1) BETWEEN ('A', 1) AND ('B', 1)) || 'x' = '1X'
SELECT (1 IN ((SELECT 1 COLLATE nocase))) || 'x' = '1X'
SELECT EXISTS (SELECT 'a' COLLATE nocase) || 'x' = '1X'
-- what a table refuses, its own name and that of a statement, WITH around what writes
create table g1(a int, b int generated always as (a * 2) stored)
insert into g1(b) values (1)
insert into g1 values (1,2)
update g1 set b = 1
create table g2(a int, b int as (a * 2))
insert into g2(b) values (1)
insert into g2 values (1,2)
insert into g2 values (1)
update g2 set b = 1
create table g3(a int, b int as (a * 2) stored)
update g3 set b = 1
update g3 set (a, b) = (1, 1)
insert into g3 select 1
insert into g3 select 1, 2
create table g4(b int as (1 + 1))
create table g5(a primary key as (1), c)
create table g6(a, b as (a) default 3)
create table ra(id integer primary key, a int, b int)
insert into ra values (1, 2, 3), (2, 3, 4)
insert into ra as k values (3, 4, 5) returning ra.a
insert into ra as k values (4, 4, 5) returning k.a
insert into ra as k values (5, 4, 5) returning a
update ra as k set a = 9 where k.id = 1 returning ra.a
update ra as k set a = 9 where ra.id = 1 returning a
update ra as k set a = 9 where k.id = 1 returning k.a
update ra as k set a = k.b + ra.b where id = 1 returning a
update ra as k set a = ra.b + 100 from (select 1 as ra) where id = 1
delete from ra as k where k.id = 1 returning ra.a
delete from ra as k where ra.id = 2 returning a
delete from ra as k where k.id = 1 returning k.*
delete from ra as k where k.id = 2 returning ra.*
delete from ra as k where k.id = 3 returning *
insert into ra as k values (7, 4, 5) on conflict(id) do update set a = ra.a + 1
insert into ra as k values (7, 4, 5) on conflict(id) do update set a = k.a + 1
select rowid, oid, _rowid_ from ra
select ra.rowid from ra as k
select k.rowid from ra as k
update ra set a = 1 returning (select k.a from ra as k where k.id = ra.id)
update ra set a = u.f from u returning u.f
insert into ra(a) select a from ra returning *
insert into ra(a) values (1) returning (select count(*) from ra)
delete from ra where id > 5 returning exists (select 1 from ra as x where x.id = ra.id)
insert into ra(a) values (1) returning max(a)
insert into ra(a) values (1) returning sum(a) over ()
create table gu(a, b as (a * 2) stored unique, check (gu.a < 50))
insert into gu(a) values (1), (2)
insert into gu(a) values (1)
insert into gu(a) values (1) on conflict(b) do update set a = 5 returning *
insert into gu as g(a) values (2) on conflict(b) do update set a = g.a + 5 returning *
insert into gu as g(a) values (2) on conflict(b) do update set a = gu.a + 5 returning *
insert into gu as g(a) values (60)
update gu as g set a = 60
update gu as g set a = g.a + 1
with x(y) as (values (1)) update gu set a = a + 10 returning (select y from x)
with x(y) as (values (1)) insert into gu(a) values (20) returning (select y from x)
with x(y) as (values (1)) delete from gu returning (select y from x)
with x(y) as (select 77) insert into u(a) select y from x returning a
with u as (select 77 as y) insert into u(a) select y from u returning a
with x(y) as (select 2) update u set f = y from x where a = y returning a, f
with x(y) as (select 2) delete from u where a in (select y from x) returning a
insert into u(a) with x(y) as (select 78) select y from x returning a
insert into u(a) values ((select 79)) returning a
insert into u(a) values (u.a)
insert into u(a) values (a)
insert into u(a) values (1), (2, 3)
update u set a = (select 1, 2)
update u set (a, f) = (select 1)
update u set (a, f) = (select 1, 2) where a = 79 returning a, f
update u set (a, f) = (select a, f from u where 0) where a = 1 returning a, f
update u set a = 1 where a in (select a from u where a > 5) returning a
update u set a = sum(a)
update u set a = row_number() over ()
update u indexed by ua set f = 3 where a = 1
update u not indexed set f = 3 where a = 1 returning f
delete from u not indexed where f = 3 returning f
select * from u not indexed where a = 1
with x(y) as (values (42)) insert into gu(a) values (11) on conflict(b) do update set a = (select y from x) returning *
with x(y) as (values (42)) insert into gu(a) values (11) on conflict(b) do update set a = (select y from x) returning *
with gu as (select 1) select * from gu
with gu as (select 1 as a) insert into gu(a) select a from gu returning *
with gu as (select 1 as a) update gu set a = 3 returning *
with gu as (select 1 as a) delete from gu returning *
create table o1(a, unique(a), b)
create table o1(a, unique(a) check (a > 1), check (a > 2))
insert into o1 values (2)
insert into o1 values (3)
create table o2(a) without rowid
create table o2(a int primary key) without rowid
insert into o2 values (1), (null)
insert into o2 values ('x'), (2.5)
select a, typeof(a) from o2 order by a
create table o3(a) without
create table o3(a) without foo
create table o3(a) foo
create table o3(a primary key, b),
create table o3(a primary key, b,)
create table o3(a primary key,, b)
create table o3(unique(a))
create table o3(a integer primary key) without rowid
insert into o3(a) values (null)
insert into o3 values (4)
select * from o3
create table o4(a, b, primary key(a, b)) without rowid
insert into o4 values (1, null)
insert into o4 values (1, 2), (0, 5)
select * from o4
create table o8(a integer, b, primary key (a))
insert into o8(b) values (2), (1) returning a
create table "o 10"("a b" int, [c d] text, `e``f` real)
insert into "o 10"("a b", [c d]) values (1, 2) returning "e`f", "c d"
select "nope" from "o 10"
select "a b" + 1, "o 10"."c d" from "o 10"
create table o11(a int check (a > 0) check (a < 10) default (5 + 1) not null, b default -1, c default +2.5, d default 'x''y', e default null, f default current_date, g default (1, 2))
create table o11(a int check (a > 0) check (a < 10) default (5 + 1) not null, b default -1, c default +2.5, d default 'x''y', e default null)
insert into o11 default values returning *
insert into o11(a) values (null)
insert into o11(a) values (10)
insert or replace into o11(a) values (null) returning a
create table o12(a varchar(10), b decimal(10, 2), c double precision, d unsigned big int, e native character(70), f boolean, g datetime, h clob, i "strange type", j)
insert into o12 values (1, '1', '1', '1', 1, '1', '2', 3, '4', '5')
select typeof(a), typeof(b), typeof(c), typeof(d), typeof(e), typeof(f), typeof(g), typeof(h), typeof(i), typeof(j) from o12
create table o13(a int constraint pk primary key, b constraint u unique constraint nn not null, constraint ch check (b <> a), constraint fk foreign key (b) references o12(a) on delete cascade on update set null deferrable initially deferred)
insert into o13 values (1, 1)
insert into o13 values (1, 2)
insert into o13 values (2, 2)
create table main.o14(a)
insert into main.o14 values (1)
select main.o14.a, o14.a from main.o14
select * from nope.o14
drop table main.o14
create table if not exists o13(zz)
create table o13(zz)
insert into o3 values ('x'), (2.5), ('7')
select a, typeof(a) from o3 order by a
select a from o3 where a = '7'
update o3 set a = null where a = 4
update o4 set b = null
