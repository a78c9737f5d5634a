package lakehouse.sql

import org.apache.spark.sql.{Row, SparkSession}
import org.apache.spark.sql.catalyst.analysis.{NoSuchDatabaseException, UnresolvedNamespace}
import org.apache.spark.sql.catalyst.catalog.CatalogTableType
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeReference}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, ShowTables, ShowViews}
import org.apache.spark.sql.execution.command.LeafRunnableCommand
import org.apache.spark.sql.types.{BooleanType, StringType}

/** SHOW TABLES and SHOW VIEWS with the name in the first column, as Hive has it: clients of the Hive protocol (PyHive's
 * dialect, Superset) read that one, and took the schema's name for a table's where Spark has it first (superset#30208).
 */
final case class Listing(within: Option[String], pattern: Option[String], viewsOnly: Boolean) extends LeafRunnableCommand {

  override val output: Seq[Attribute] = Seq(
    AttributeReference(if (viewsOnly) "viewName" else "tableName", StringType, nullable = false)(),
    AttributeReference("namespace", StringType, nullable = false)(),
    AttributeReference("isTemporary", BooleanType, nullable = false)()
  )

  override def run(session: SparkSession): Seq[Row] = {
    val catalog = session.sessionState.catalog
    val database = within.getOrElse(catalog.getCurrentDatabase)
    if (!catalog.databaseExists(database)) throw new NoSuchDatabaseException(database)
    val like = pattern.getOrElse("*")
    val found = if (viewsOnly) catalog.listViews(database, like) else catalog.listTables(database, like)
    found.map(name => Row(name.table, name.database.getOrElse(""), catalog.isTempView(name)))
  }
}

object Listing {
  /** The plan with its listing in place of Spark's. */
  def named(plan: LogicalPlan): LogicalPlan = plan match {
    case ShowTables(UnresolvedNamespace(parts), pattern, _) if fits(parts) => Listing(last(parts), pattern, viewsOnly = false)
    case ShowViews(UnresolvedNamespace(parts), pattern, _) if fits(parts) => Listing(last(parts), pattern, viewsOnly = true)
    case other => other
  }

  private def fits(parts: Seq[String]): Boolean = Refusals.withoutCatalog(parts).length <= 1

  private def last(parts: Seq[String]): Option[String] =
    if (parts.length == 1 && parts.head.toLowerCase == "spark_catalog") None else Refusals.withoutCatalog(parts).lastOption
}
