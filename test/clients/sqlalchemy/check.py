"""Models with pgvector's column types, and queries with its comparators."""
from pgvector import SparseVector
from pgvector.sqlalchemy import BIT, HALFVEC, SPARSEVEC, VECTOR, avg
from sqlalchemy import JSON, BigInteger, bindparam, create_engine, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import tap
from values import COLUMNS, FIRST, SECOND, documents, random_vectors


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    v = mapped_column(VECTOR(3))
    h = mapped_column(HALFVEC(3))
    s = mapped_column(SPARSEVEC(3))
    b = mapped_column(BIT(3))


class Document(Base):
    """The table of documents.sql."""
    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    embedding = mapped_column(VECTOR(8), nullable=False)
    number: Mapped[int]
    title: Mapped[str]
    count: Mapped[int]
    body: Mapped[str]


def models(session):
    rows = [
        Item(id=1, v=[1, 1, 1], h=[1, 1, 1], s=SparseVector([1, 1, 1]), b="000"),
        Item(id=2, v=[2, 2, 2], h=[2, 2, 2], s=SparseVector([2, 2, 2]), b="101"),
        Item(id=3, v=[1, 1, 2], h=[1, 1, 2], s=SparseVector([1, 1, 2]), b="111"),
        Item(id=4),
    ]
    session.add_all(rows)
    session.commit()
    session.expire_all()

    item = session.get(Item, 3)
    got = (item.v, item.h, item.s, str(item.b))
    tap.equal(got, ([1, 1, 2], [1, 1, 2], SparseVector([1, 1, 2]), "111"), "a row read back")
    item = session.get(Item, 4)
    tap.equal((item.v, item.h, item.s, item.b), (None,) * 4, "a row of NULLs")

    dense = [1, 1, 1]
    sparse = SparseVector(dense)
    for name, order, wanted in (
        ("vector l2", Item.v.l2_distance(dense), [1, 3, 2]),
        ("vector max_inner_product", Item.v.max_inner_product(dense), [2, 3, 1]),
        ("vector cosine", Item.v.cosine_distance([0, 0, 1]), [3, 1, 2]),
        ("vector l1", Item.v.l1_distance(dense), [1, 3, 2]),
        ("halfvec l2", Item.h.l2_distance(dense), [1, 3, 2]),
        ("sparsevec l2", Item.s.l2_distance(sparse), [1, 3, 2]),
        ("sparsevec l1", Item.s.l1_distance(sparse), [1, 3, 2]),
        ("bit Hamming", Item.b.hamming_distance("101"), [2, 3, 1]),
        ("bit Jaccard", Item.b.jaccard_distance("101"), [2, 3, 1]),
    ):
        got = session.scalars(select(Item.id).where(Item.v.is_not(None)).order_by(order, Item.id)).all()
        tap.equal(list(got), wanted, f"order by {name}")

    got = session.scalars(select(Item.id).filter(Item.v.l2_distance(dense) < 1.5).order_by(Item.id)).all()
    tap.equal(list(got), [1, 3], "filter by a distance")
    got = session.scalars(select(avg(Item.v)).where(Item.id < 3)).first()
    tap.equal(got, [1.5, 1.5, 1.5], "avg")


def errors(session):
    def insert_short():
        session.add(Item(id=9, v=[1, 2]))
        try:
            session.commit()
        except DBAPIError:
            session.rollback()
            raise

    tap.raises("22000", insert_short, "other dimensions are refused")


def bulk(session):
    rows = [{"id": i, "v": x} for i, x in enumerate(random_vectors(1000, 3), start=100)]
    session.execute(insert(Item), rows)
    session.commit()
    got = {i: v for i, v in session.execute(select(Item.id, Item.v).where(Item.id >= 100))}
    tap.ok(got == {row["id"]: row["v"] for row in rows}, "1000 rows by bulk insert")


def upsert(session, columns):
    """Upsert by row; return (inserted, replaced)."""
    rows = [dict(zip(COLUMNS, row)) for row in zip(*(columns[name] for name in COLUMNS))]
    statement = text("SELECT inserted, replaced FROM vecstore.upsert('documents', :rows)")
    result = session.execute(statement.bindparams(bindparam("rows", type_=JSON)), {"rows": rows}).one()
    session.commit()
    return tuple(result)


def scenario(session):
    """Upsert, upsert again with half of the keys new, flush, count, search, flush."""
    first = documents(FIRST, 1)
    second = documents(SECOND, 2)
    tap.equal(upsert(session, first), (3000, 0), "3,000 new documents")
    tap.equal(upsert(session, second), (1500, 1500), "3,000 documents, half of them known")

    wanted = second["embedding"][500]
    for state in ("before", "after"):
        nearest = select(Document).order_by(Document.embedding.l2_distance(wanted)).limit(10)
        got = session.scalars(nearest).all()
        tap.equal((len(got), got[0].id, got[0].embedding, got[0].body), (10, 2000, wanted, second["body"][500]),
                  f"a replaced document is found {state} the flush")
        session.commit()
        if state == "before":
            sealed = session.execute(text("SELECT rows_sealed FROM vecstore.flush('documents')")).scalar_one()
            tap.ok(sealed >= 4500, "flush seals what was upserted")
            session.commit()
    sealed = session.execute(text("SELECT rows_sealed FROM vecstore.flush('documents')")).scalar_one()
    session.commit()
    tap.equal(sealed, 0, "a second flush has nothing to seal")
    tap.equal(session.scalar(select(func.count()).select_from(Document)), 4500, "the documents count")


def main():
    engine = create_engine("postgresql+psycopg://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        models(session)
        errors(session)
        bulk(session)
        scenario(session)


tap.run(main)
