package lakehouse.sql

import java.util.concurrent.atomic.AtomicLong

import org.apache.spark.lakehouse.Inner
import org.apache.spark.sql.{SparkSession, SparkSessionExtensions}
import org.apache.spark.sql.catalyst.{AliasIdentifier, FunctionIdentifier, TableIdentifier}
import org.apache.spark.sql.catalyst.expressions.{CallMethodViaReflection, Expression}
import org.apache.spark.sql.catalyst.parser.ParserInterface
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.execution.datasources.LogicalRelation
import org.apache.spark.sql.hive.thriftserver.ui.HiveThriftServer2AppStatusStore
import org.apache.spark.sql.types.{DataType, StructType}

/** What makes a Spark Thrift Server one of ours: gold as published, and the bounds of a role (lakehouse/sql_server). */
final class Extension extends (SparkSessionExtensions => Unit) {
  private val role = System.getProperty("lakehouse.sql.role", "analyst")

  override def apply(extensions: SparkSessionExtensions): Unit = {
    extensions.injectParser((session, delegate) => new GuardedParser(session, delegate, role))
    extensions.injectCheckRule(_ => new OnlyPublished(role))
  }
}

object Extension {
  /** The session that the server itself works with; every connection has a new one. */
  @volatile private var own: SparkSession = _

  /** Settings in which a connection may differ from the server. */
  val open: Set[String] = Set(
    "spark.sql.thriftserver.scheduler.pool",
    "spark.sql.legacy.timeParserPolicy",  // patterns as Superset writes them for Hive
    // The Thrift server itself sets these two.
    "spark.sql.datetime.java8API.enabled",
    "spark.sql.hive.version")

  private val asked = new AtomicLong

  def isOwn(session: SparkSession): Boolean = own == null || (session eq own)

  /** The settings that a connection begins with. */
  @volatile private[sql] var usual: Map[String, String] = Map.empty

  /** Say which session is the server's own: once once, before anybody is let in. */
  def own_(session: SparkSession): Unit = {
    usual = session.newSession().conf.getAll
    Inner.numberStagesAlike(session.sparkContext)
    own = session
  }

  def count(): Unit = asked.incrementAndGet()

  /** Statements that are running, all that were asked, bytes of the heap in use. */
  def status(session: SparkSession): Array[Long] = {
    val statements = new HiveThriftServer2AppStatusStore(Inner.store(session.sparkContext))
    val heap = Runtime.getRuntime
    Array(statements.getTotalRunning.toLong, asked.get, heap.totalMemory - heap.freeMemory)
  }
}

/** Refuses statements before anything of them is resolved or done; what is left reads gold as published. */
final class GuardedParser(session: SparkSession, delegate: ParserInterface, role: String) extends ParserInterface {
  private val refusals = new Refusals(role)
  private val names = new PublishedNames(session, role)
  @volatile private var isKept = false

  override def parsePlan(text: String): LogicalPlan =
    if (Extension.isOwn(session)) delegate.parsePlan(text)
    else {
      Extension.count()
      if (role == "analyst") keepSettings()
      val plan = delegate.parsePlan(text)
      refusals.check(session, plan)
      names.begin()
      val known = Listing.named(names.replaced(plan))
      if (role == "analyst" && !Refusals.isCommand(known)) Answers.of(session, text, names.tables, OnlyPublished.marked(known))
      else known
    }

  /** The text of a view in a statement: it reads the set that the statement reads. */
  override def parseQuery(text: String): LogicalPlan = {
    val plan = delegate.parseQuery(text)
    if (Extension.isOwn(session)) plan else names.replaced(plan)
  }

  /** A client can set anything as it connects, without a statement: `${env:…}` in a text would then be replaced.
   *
   * Looked at before the first statement that is let through: what changes later Spark's own readers change.
   */
  private def keepSettings(): Unit = if (!isKept) {
    session.conf.getAll
      .find { case (key, value) => key.startsWith("spark.") && !Extension.open(key) && !Extension.usual.get(key).contains(value) }
      .foreach { case (key, _) => throw new Refused(s"the setting $key is not open to analysts; connect without it") }
    isKept = true
  }

  override def parseExpression(text: String): Expression = delegate.parseExpression(text)
  override def parseTableIdentifier(text: String): TableIdentifier = delegate.parseTableIdentifier(text)
  override def parseFunctionIdentifier(text: String): FunctionIdentifier = delegate.parseFunctionIdentifier(text)
  override def parseMultipartIdentifier(text: String): Seq[String] = delegate.parseMultipartIdentifier(text)
  override def parseTableSchema(text: String): StructType = delegate.parseTableSchema(text)
  override def parseDataType(text: String): DataType = delegate.parseDataType(text)
}

/** The second bound: whatever a name was resolved to, an analyst's statement reads published gold and nothing else.
 *
 * Delta asks Spark too, about its own logs, while it plans a statement: a statement is known by the name at its root.
 */
final class OnlyPublished(role: String) extends (LogicalPlan => Unit) {

  override def apply(plan: LogicalPlan): Unit = plan match {
    case SubqueryAlias(OnlyPublished.mark, statement) if role == "analyst" => check(statement)
    case _ =>
  }

  private def check(plan: LogicalPlan): Unit = Refusals.everything(plan).foreach { node =>
    node match {
      case relation: LogicalRelation if !Published.isPublished(relation) =>
        throw new Refused("what is no published table of gold is not open to analysts")
      case other if other.getClass.getSimpleName.startsWith("Insert") || other.isInstanceOf[Command] =>
        throw new Refused(s"${other.nodeName} is not open to analysts")
      case leaf: LeafNode if !isHarmless(leaf) =>
        throw new Refused(s"reading by ${leaf.nodeName} is not open to analysts; read the tables of schema gold")
      case _ =>
    }
    node.expressions.foreach(_.foreach {
      case _: CallMethodViaReflection => throw new Refused("calling Java is not open to analysts")
      case _ =>
    })
  }

  /** Leaves without rows of other files. */
  private def isHarmless(leaf: LeafNode): Boolean = leaf match {
    case _: LogicalRelation | _: LocalRelation | _: OneRowRelation | _: Range | _: CTERelationRef => true
    case _ => false
  }
}

object OnlyPublished {
  /** A statement that gives a part of itself this name has that part checked twice. */
  private val mark = AliasIdentifier("statement\n")

  /** A query with the mark that the check finds; the optimizer takes names away. Commands are judged as parsed. */
  def marked(plan: LogicalPlan): LogicalPlan = SubqueryAlias(mark, plan)
}
