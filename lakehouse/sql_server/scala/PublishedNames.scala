package lakehouse.sql

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.AliasIdentifier
import org.apache.spark.sql.catalyst.analysis._
import org.apache.spark.sql.catalyst.expressions.AttributeReference
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.execution.command.{DescribeQueryCommand, ExplainCommand}
import org.apache.spark.sql.execution.datasources.LogicalRelation

/** Names of gold in a parsed statement become the versions of one published set. */
final class PublishedNames(session: SparkSession, role: String) {

  /** The statement that this thread now begins with reads the set that is published now. */
  def begin(): Unit = PublishedNames.set.set(Published.now)

  /** The set that this thread's statement reads. */
  def tables: Map[String, PublishedTable] = PublishedNames.set.get

  /** @throws Refused a name is none that the role may read. */
  def replaced(plan: LogicalPlan): LogicalPlan = {
    // Names of common table expressions first: what is left are tables and views.
    CTESubstitution(plan).transformWithSubqueries {
      case explained: ExplainCommand => explained.copy(logicalPlan = replaced(explained.logicalPlan))
      case described: DescribeQueryCommand => described.copy(plan = replaced(described.plan))
      case relation: UnresolvedRelation => qualified(relation.multipartIdentifier) match {
        case Seq("gold", name) if tables.contains(name) =>
          SubqueryAlias(AliasIdentifier(name, Seq("spark_catalog", "gold")), PublishedNames.fresh(tables(name).plan))
        case parts => readable(parts); relation
      }
      case one: UnresolvedTableOrView => readable(qualified(one.multipartIdentifier)); one
      case one: UnresolvedTable => readable(qualified(one.multipartIdentifier)); one
      case one: UnresolvedView => readable(qualified(one.multipartIdentifier)); one
    }
  }

  private def qualified(parts: Seq[String]): Seq[String] = {
    val name = Refusals.withoutCatalog(parts).map(_.toLowerCase)
    val catalog = session.sessionState.catalog
    if (name.length == 1 && catalog.getTempView(name.head).isEmpty) catalog.getCurrentDatabase.toLowerCase +: name else name
  }

  private def readable(parts: Seq[String]): Unit =
    if (role == "analyst" && parts.length > 1 && parts.head != "gold") throw new Refused(
      s"${parts.mkString(".")} is not open to analysts; this server answers SELECT, SHOW and DESCRIBE over schema gold")
}

object PublishedNames {
  private val set = ThreadLocal.withInitial[Map[String, PublishedTable]](() => Published.now)

  /** The plan with columns of its own, so that a table may be joined with itself; kept rows are found for it as before. */
  private def fresh(plan: LogicalPlan): LogicalPlan = {
    val renewed = plan.collectLeaves().collect { case one: LogicalRelation => one -> one.newInstance() }
    val columns = renewed.flatMap { case (old, anew) => old.output.map(_.exprId).zip(anew.output) }.toMap
    plan.transformUp {
      case one: LogicalRelation => renewed.collectFirst { case (old, anew) if old eq one => anew }.get
    }.transformAllExpressions {
      case one: AttributeReference => columns.getOrElse(one.exprId, one)
    }
  }
}
